#!/usr/bin/env node
// Known vulnerabilities of the packages that the project stands on, as far as the package registries tell:
//   node infra/audit-dependencies.mjs           prints them; ends with 1 when a package of the service has one
//   node infra/audit-dependencies.mjs --write   also writes docs/dependencies.md
// Where a registry has no answer it says so and ends with 0: a build is not to depend on that.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const run = (command, args, cwd) => spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28, shell: process.platform === 'win32' });
const json = text => { try { return JSON.parse(text); } catch { return null; } };

// A registry that knows nothing of vulnerabilities answers as one that knows of none: this old package has one.
function tells() {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  try {
    writeFileSync(join(folder, 'canary.csproj'), '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit></PropertyGroup><ItemGroup><PackageReference Include="Newtonsoft.Json" Version="12.0.1" /></ItemGroup></Project>');
    run('dotnet', ['restore'], folder);
    return run('dotnet', ['list', 'package', '--vulnerable', '--format', 'json'], folder).stdout?.includes('"severity"') ?? false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function nuget() {
  const list = vulnerable => json(run('dotnet', ['list', 'XenoCrm.Functions.sln', 'package', '--include-transitive', ...(vulnerable ? ['--vulnerable'] : []), '--format', 'json'], root).stdout);
  const [all, bad] = [list(false), list(true)];
  const packages = report => (report?.projects ?? []).flatMap(p => (p.frameworks ?? []).flatMap(f => [...(f.topLevelPackages ?? []), ...(f.transitivePackages ?? [])]));
  const failed = !tells() || !bad || !all || (bad.problems ?? []).some(p => p.level === 'error');
  const found = new Map(packages(bad).map(p => [`${p.id} ${p.resolvedVersion}`, (p.vulnerabilities ?? []).map(v => v.severity).join(', ')]));
  return { what: 'NuGet, direct and transitive, of all projects', count: new Set(packages(all).map(p => `${p.id} ${p.resolvedVersion}`)).size, answered: !failed, found };
}

function npm(folder, what) {
  const report = json(run('npm', ['audit', '--package-lock-only', '--json'], join(root, folder)).stdout);
  const answered = Boolean(report?.metadata?.vulnerabilities);
  const found = new Map(Object.values(report?.vulnerabilities ?? {}).map(v => [v.name, v.severity]));
  return { what, count: report?.metadata?.dependencies?.total ?? 0, answered, found };
}

const service = nuget();
const tools = [npm('infra/local', 'npm, of the local storage (`infra/local`)'), npm('infra/contract', 'npm, of the tools that check the contract (`infra/contract`)')];
const say = r => !r.answered ? 'the registry does not tell' : r.found.size === 0 ? 'none known' : [...r.found].map(([name, severity]) => `${name} (${severity})`).join(', ');
for (const result of [service, ...tools])
  console.log(`${result.what}: ${result.answered ? `${result.count} packages, ` : ''}${say(result)}`);

if (process.argv.includes('--write')) {
  const rows = [service, ...tools].map(r => `| ${r.what} | ${r.answered ? r.count : ''} | ${say(r)} |`).join('\n');
  writeFileSync(join(root, 'docs', 'dependencies.md'), `# Known vulnerabilities of dependencies
Written by \`node infra/audit-dependencies.mjs --write\` on ${new Date().toISOString().slice(0, 10)}. CI asks anew each time, and fails when a package of the service
has one. The npm packages run on a developer's machine and in CI only: Azurite beside the local system, the others in tests.

| packages | how many | known vulnerabilities |
|---|---|---|
${rows}
`);
}

process.exitCode = service.answered && service.found.size > 0 ? 1 : 0;
