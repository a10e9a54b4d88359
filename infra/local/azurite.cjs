// Starts the stock Azurite in this process and makes what it acknowledges survive `kill -9`.
//
// Why: Azurite keeps its metadata (queues, messages, blobs, extents) in LokiJS databases that are written to disk as
// a whole every 5 s. A killed process loses up to 5 s of messages and blobs that it has answered 201 for, while the
// product promises that nothing acknowledged is lost.
//
// How: every insert, update and remove of a Loki collection appends one JSON line to a journal beside the database
// file before it returns, hence before any answer that depends on it is written. A full save starts a new journal in
// the same turn of the event loop in which it serialises the database, and deletes the older ones once the new
// database file has been renamed into place. On start the journals are replayed over the database. A line holds the
// whole document, so replaying one twice changes nothing, and a torn last line is a change nobody was told of.
//
// Checked in Azurite 3.35.0 and LokiJS 1.5.12: the payload of a message or blob is appended to an extent file before
// its metadata is written; a new process appends to new extents only, so a torn extent tail is never referred to; the
// garbage collection of extents keeps those that metadata refers to (uncommitted blocks too); a save writes `<db>~`
// and renames it, so a crash leaves the old file or the new one, and a left-over `~` is overwritten.
//
// The guarantee is against the death of the process, not of the machine: neither the journal nor Loki's files are
// fsynced, so Azurite's fdatasync of each extent write bought nothing and is skipped here.
//
// While here, two calls that make Azurite slow when a queue is deep are avoided: before every receive and delete it
// removes the expired messages, and LokiJS answers `remove([])` by sorting all indexes of the collection anew;
// `update([…])` of the 32 messages received does the same.
//
// Measured beside the stock Azurite (2 shared cores, 1 KB messages, 16 in flight, messages/s):
//   depth   200: send 1,187 (stock 1,002), receive and delete 1,130 (stock 1,135): the journal costs nothing visible
//   depth 3,000: send 1,771 (stock   596), receive and delete   431 (stock   137)
"use strict";

const fs = require("fs");
const path = require("path");
const Loki = require("lokijs");

const SNAPSHOT_INTERVAL_MS = 60_000; // Azurite's own is 5 s; the journal makes that unnecessary
const SNAPSHOT_JOURNAL_BYTES = 32 * 1024 * 1024; // a replay of this takes well under a second

const databases = new Set();

/** The journal of one database: files `<db>.journal.<n>`, replayed in the order of n. */
class Journal {
  constructor(database) {
    this.database = database;
    this.file = database.filename;
    this.retired = []; // files whose changes are in the database once the running save has succeeded
    this.generation = 0;
    this.fd = undefined; // nothing is written before the first save: until then the database is being loaded
    this.bytes = 0;
  }

  /** Files left by an earlier process, oldest first. */
  existing() {
    const prefix = path.basename(this.file) + ".journal.";
    const folder = path.dirname(this.file);
    return fs
      .readdirSync(folder)
      .filter(name => name.startsWith(prefix))
      .map(name => ({ file: path.join(folder, name), generation: Number(name.slice(prefix.length)) }))
      .sort((a, b) => a.generation - b.generation);
  }

  /** Whether the first save has begun. */
  isOpen() {
    return this.fd !== undefined;
  }

  append(entry) {
    if (!this.isOpen()) return;
    const line = Buffer.from(JSON.stringify(entry) + "\n");
    try {
      for (let written = 0; written < line.length; ) written += fs.writeSync(this.fd, line, written);
    } catch (error) {
      // The change is in memory but not on disk (a full disk, say). Stopping here leaves on disk exactly what has
      // been acknowledged; going on would acknowledge what a crash loses.
      console.error(`Azurite stops: cannot write ${this.file}.journal.${this.generation}: ${error.message}`);
      process.exit(1);
    }
    this.bytes += line.length;
    if (this.bytes > SNAPSHOT_JOURNAL_BYTES) {
      this.bytes = 0;
      setImmediate(() => this.database.saveDatabase());
    }
  }

  /** Called in the same turn in which the database is serialised: later changes go to a new file. */
  rotate() {
    if (!this.isOpen()) {
      for (const { file, generation } of this.existing()) {
        this.retired.push(file);
        this.generation = Math.max(this.generation, generation);
      }
    } else {
      fs.closeSync(this.fd);
      this.retired.push(this.name());
    }
    this.generation++;
    this.bytes = 0;
    this.fd = fs.openSync(this.name(), "a");
    const retired = this.retired.slice();
    return () => {
      for (const file of retired) fs.rmSync(file, { force: true });
      this.retired = this.retired.filter(file => !retired.includes(file));
    };
  }

  name() {
    return `${this.file}.journal.${this.generation}`;
  }

  replay() {
    const database = this.database;
    const touched = new Map(); // collection name -> Map($loki -> document)
    const documents = name => {
      let byId = touched.get(name);
      if (byId === undefined) {
        const collection = database.getCollection(name) ?? database.addCollection(name);
        byId = new Map(collection.data.map(document => [document.$loki, document]));
        touched.set(name, byId);
      }
      return byId;
    };
    for (const { file } of this.existing()) {
      const lines = fs.readFileSync(file, "utf8").split("\n");
      lines.pop(); // after the last line feed: nothing, or a torn line
      for (const line of lines) {
        const { op, in: name, doc, ids, options } = JSON.parse(line);
        if (op === "put") documents(name).set(doc.$loki, doc);
        else if (op === "remove") for (const id of ids) documents(name).delete(id);
        else if (op === "clear") documents(name).clear();
        else if (op === "add") {
          if (database.getCollection(name) === null) database.addCollection(name, options);
        } else if (op === "drop") {
          touched.delete(name);
          database.removeCollection(name);
        } else throw new Error(`${file}: unknown entry ${op}`);
      }
    }
    for (const [name, byId] of touched) {
      const collection = database.getCollection(name);
      collection.data = [...byId.values()].sort((a, b) => a.$loki - b.$loki); // LokiJS finds by binary search
      collection.maxId = collection.data.reduce((max, document) => Math.max(max, document.$loki), collection.maxId);
      collection.idIndex = null;
      collection.constraints.unique = {};
      collection.ensureAllIndexes(true);
      collection.dirty = true;
    }
  }
}

const collections = Loki.Collection.prototype;
const database = Loki.prototype;

/** Replaces a method, handing the original to the new one. */
function wrap(prototype, name, make) {
  const original = prototype[name];
  if (typeof original !== "function") throw new Error(`LokiJS has no ${name}: this launcher fits lokijs 1.5.12`);
  prototype[name] = make(original);
}

wrap(database, "addCollection", original => function (name, options) {
  const known = this.collections.some(collection => collection.name === name);
  const collection = original.call(this, name, options);
  if (!known && this.journal) {
    Object.defineProperty(collection, "journal", { value: this.journal, enumerable: false });
    this.journal.append({ op: "add", in: name, options });
  }
  return collection;
});
wrap(database, "removeCollection", original => function (name) {
  original.call(this, name);
  this.journal?.append({ op: "drop", in: name });
});
wrap(database, "autosaveEnable", original => function (...args) {
  // Called by the constructor, when file name and adapter are known and no collection exists yet.
  Object.defineProperty(this, "journal", { value: new Journal(this), enumerable: false });
  databases.add(this);
  this.autosaveInterval = SNAPSHOT_INTERVAL_MS;
  return original.apply(this, args);
});
wrap(database, "loadDatabaseInternal", original => function (options, callback) {
  original.call(this, options, error => {
    if (!error) {
      try {
        this.journal?.replay();
      } catch (failure) {
        error = failure;
      }
    }
    callback(error);
  });
});
wrap(database, "saveDatabaseInternal", original => function (callback) {
  const saved = this.journal?.rotate();
  original.call(this, error => {
    if (!error) saved?.();
    callback(error);
  });
});

wrap(collections, "insertOne", original => function (...args) {
  const inserted = original.apply(this, args);
  if (inserted) this.journal?.append({ op: "put", in: this.name, doc: inserted });
  return inserted;
});
wrap(collections, "update", original => function (doc) {
  if (Array.isArray(doc)) {
    for (const one of doc) this.update(one);
    return undefined;
  }
  const updated = original.call(this, doc);
  this.journal?.append({ op: "put", in: this.name, doc: updated });
  return updated;
});
wrap(collections, "remove", original => function (doc) {
  if (Array.isArray(doc)) return doc.length === 0 ? undefined : original.call(this, doc); // removeBatchByPositions
  const id = typeof doc === "number" ? doc : doc?.$loki;
  const removed = original.call(this, doc);
  if (removed) this.journal?.append({ op: "remove", in: this.name, ids: [id] });
  return removed;
});
wrap(collections, "removeBatchByPositions", original => function (positions) {
  if (positions.length === 0) return;
  const ids = positions.map(position => this.data[position].$loki);
  original.call(this, positions);
  this.journal?.append({ op: "remove", in: this.name, ids });
});
wrap(collections, "clear", original => function (options) {
  original.call(this, options);
  this.journal?.append({ op: "clear", in: this.name });
});

fs.fdatasync = (fd, callback) => process.nextTick(callback, null);

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  // A save on the way out keeps the folder readable for the stock Azurite as well; the journal alone would do.
  // Not of a database that has had no save yet: told to stop while it starts, what is in memory is not what is on
  // disk, and a save would write nothing over everything (LokiJS also never answers a save asked for during a load).
  const saved = [...databases].filter(db => db.journal.isOpen());
  await Promise.all(saved.map(db => new Promise(resolve => db.saveDatabase(resolve))));
  process.exit(0);
}

// Azurite's own handlers close its servers and leave the saving to chance; these two signals are taken over.
const once = process.once;
process.once = function (event, ...rest) {
  return event === "SIGINT" || event === "SIGTERM" ? process : once.call(process, event, ...rest);
};
const exitWithParent = process.env.XENO_EXIT_WITH_PARENT === "1";
process.on("SIGTERM", stop);
// Ctrl+C reaches every process of the terminal; with a parent, the parent decides the order in which things stop.
process.on("SIGINT", exitWithParent ? () => {} : stop);
if (exitWithParent) {
  process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
  process.stdout.on("error", () => {}); // the parent that read it is gone; stdin tells
  process.stderr.on("error", () => {});
}

require("azurite/dist/src/azurite.js");
