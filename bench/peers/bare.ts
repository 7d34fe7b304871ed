// The least that node:http does: the same bytes for every request. What they are stands in the file that BODY names; before it is written, nothing.
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"

const file = process.env["BODY"] ?? ""
const body = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
const headers = { "content-type": "application/json", "content-length": body.length }

createServer((_, response) => response.writeHead(200, headers).end(body)).listen(
  Number(process.env["PORT"]),
  "127.0.0.1"
)
