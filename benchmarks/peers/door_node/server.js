// The banks' door as a Node programmer would write it: fastify, pg, one commit for each request.
//
// It does the same work as ours for one sender: HMAC over the raw body, five minutes of tolerance, JSON, AES-256-GCM
// over the whole request, and the very statement of the door (STATEMENT_FILE). What it needs stands in the environment.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");
const fastify = require("fastify");
const { Pool } = require("pg");

const env = process.env;
const pool = new Pool({ host: env.PGHOST, user: env.PGUSER, database: env.PGDATABASE, max: Number(env.POOL) });
const text = fs.readFileSync(env.STATEMENT_FILE, "utf8");
const key = Buffer.from(env.FIELD_KEY_HEX, "hex");
const connections = new Map(Object.entries(JSON.parse(env.CONNECTIONS)));
const place = Buffer.from("raw_callback.sealed");
const reference = /HP[0-9A-HJKMNP-TV-Z]{10}/g;

const app = fastify({ bodyLimit: 256 * 1024, logger: false });
app.removeAllContentTypeParsers();
app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body, done) => done(null, body));

function authentic(request, now) {
  const stamp = request.headers["x-sepay-timestamp"] || "";
  const mac = crypto.createHmac("sha256", env.SENDER_SECRET).update(`${stamp}.`).update(request.body);
  const wanted = Buffer.from(`sha256=${mac.digest("hex")}`);
  const given = Buffer.from(request.headers["x-sepay-signature"] || "");
  return given.length === wanted.length && crypto.timingSafeEqual(given, wanted) && Math.abs(now / 1000 - stamp) <= 300;
}

function seal(request) {
  const nonce = crypto.randomBytes(12);
  const cipher = crypto.createCipheriv("aes-256-gcm", key, nonce);
  cipher.setAAD(place);
  const head = Buffer.from(`${request.method}\n\n${JSON.stringify(request.headers)}\n`);
  return Buffer.concat([Buffer.from([1]), nonce, cipher.update(head), cipher.update(request.body), cipher.final(), cipher.getAuthTag()]);
}

function sha256(...parts) {
  const hash = crypto.createHash("sha256");
  parts.forEach((part) => hash.update(part));
  return hash.digest();
}

function row(request, payment, connection, now) {
  const id = String(payment.id);
  const { accountNumber, subAccount, code, content, transferAmount, referenceCode } = payment;
  const moment = `${payment.transactionDate}+07`;
  const said = [transferAmount, accountNumber, subAccount, referenceCode, code, content.split(/\s+/).join(" ")];
  return [
    0, connection, "accepted", id, "credit", "settled", env.SCHOOL_ID, env.ACCOUNT_ID, accountNumber.slice(-4),
    transferAmount, moment, payment.transactionDate.slice(0, 10), id, referenceCode, code, subAccount, content,
    (content.match(reference) || []).join(" "), sha256(said.join("\x1f")), false, new Date(now).toISOString(),
    request.ip, seal(request), sha256(request.body), request.body.length, "ok",
  ];
}

app.post("/callbacks/:token", async (request, reply) => {
  const now = Date.now();
  const connection = connections.get(request.params.token);
  if (connection === undefined) return reply.code(404).send({ success: false });
  if (!authentic(request, now)) return reply.code(401).send({ success: false });
  const payment = JSON.parse(request.body);
  if (payment.accountNumber !== env.ACCOUNT_NUMBER || payment.transferType !== "in") {
    return reply.code(400).send({ success: false });
  }
  const found = await pool.query({ name: "store", text, values: row(request, payment, connection, now) });
  return { success: ["accepted", "duplicate"].includes(found.rows[0].result) };
});

app.listen({ host: "127.0.0.1", port: Number(env.PORT) });
