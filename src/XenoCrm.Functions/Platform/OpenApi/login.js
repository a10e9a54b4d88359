// A login above the API's description: the token goes where "Authorize" would put it, so that "try it out" works at once.
window.addEventListener("load", () => {
  // Until the description, which is large, has been read, this has no effect.
  const authorize = async token => {
    while (true) {
      window.ui?.preauthorizeApiKey("bearer", token);
      if (window.ui?.authSelectors.authorized()?.getIn(["bearer", "value"]) === token) {
        return;
      }

      await new Promise(done => setTimeout(done, 100));
    }
  };

  const form = document.createElement("form");
  form.id = "login";
  form.style.cssText = "max-width:1420px;margin:12px auto 0;padding:0 20px;display:flex;gap:8px;align-items:center;font-family:sans-serif";
  form.innerHTML = `
    <input name="email" type="email" placeholder="Email" autocomplete="username" required aria-label="Email">
    <input name="password" type="password" placeholder="Password" autocomplete="current-password" required aria-label="Password">
    <button type="submit">Log in</button>
    <span role="status"></span>`;
  for (const field of form.querySelectorAll("input, button")) {
    field.style.cssText = "padding:8px 12px;border:1px solid #888;border-radius:4px;font-size:14px";
  }

  form.addEventListener("submit", async event => {
    event.preventDefault();
    const status = form.querySelector("[role=status]");
    status.textContent = "…";
    const { email, password } = form.elements;
    try {
      const answer = await fetch("/api/auth/login", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: email.value, password: password.value }),
      });
      const body = await answer.json();
      if (answer.ok) {
        await authorize(body.accessToken);
        password.value = "";
        status.textContent = `You are ${body.user.name} (${body.user.role}).`;
      } else {
        status.textContent = body.detail;
      }
    } catch {
      status.textContent = "The service does not answer.";
    }
  });
  document.body.prepend(form);
});
