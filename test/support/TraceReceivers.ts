import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"

export interface ReceivedSpan {
  readonly name: string
  readonly id: string
  readonly traceId: string
  readonly parentId: string | undefined
  readonly outcome: string
  /** The span's own members, as they were sent. */
  readonly sent: Readonly<Record<string, unknown>>
  readonly root: boolean
}

type Json = Readonly<Record<string, unknown>>

/** An HTTP server that takes traces; `text` is everything that was sent, bodies and headers, to be searched. */
class Receiver {
  text = ""
  readonly spans: Array<ReceivedSpan> = []
  readonly errors: Array<Json> = []
  readonly metadata: Array<Json> = []
  #look: () => void = () => {}
  readonly #server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => void chunks.push(chunk))
    request.on("end", () => {
      const raw = Buffer.concat(chunks)
      const body = request.headers["content-encoding"] === "gzip" ? gunzipSync(raw).toString() : raw.toString()
      this.text += `${request.url} ${JSON.stringify(request.headers)} ${body}\n`
      this.take(request.url ?? "", body)
      this.#look()
      response
        .writeHead(request.method === "GET" ? 200 : 202, { "content-type": "application/json" })
        .end('{"version":"9.5.1"}')
    })
  })

  protected take(_path: string, _body: string): void {}

  /** What was recorded of errors. */
  faults(): string {
    return JSON.stringify(this.spans.filter(({ outcome }) => outcome === "failure").map(({ sent }) => sent))
  }

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1")
    await once(this.#server, "listening")
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** The first span that is like this, whether it is here already or still to come. */
  span(isIt: (span: ReceivedSpan) => boolean): Promise<ReceivedSpan> {
    return new Promise((done) => {
      this.#look = () => {
        const found = this.spans.find(isIt)
        if (found !== undefined) done(found)
      }
      this.#look()
    })
  }

  childrenOf(parent: ReceivedSpan): ReadonlyArray<ReceivedSpan> {
    return this.spans.filter(({ parentId }) => parentId === parent.id)
  }

  /** Names of all that hangs below, at any depth. */
  below(parent: ReceivedSpan): ReadonlyArray<string> {
    return this.childrenOf(parent).flatMap((child) => [child.name, ...this.below(child)])
  }
}

/** Elastic's intake API, version 2: gzip ndjson. */
export class ApmIntake extends Receiver {
  override faults(): string {
    return JSON.stringify(this.errors)
  }

  protected override take(path: string, body: string): void {
    if (!path.startsWith("/intake/v2/events")) return
    for (const line of body.split("\n").filter((line) => line !== "")) {
      const [[kind, sent] = ["", {}]] = Object.entries(JSON.parse(line) as Record<string, Json>)
      if (kind === "metadata") this.metadata.push(sent)
      if (kind === "error") this.errors.push(sent)
      if (kind !== "transaction" && kind !== "span") continue
      this.spans.push({
        name: String(sent["name"]),
        id: String(sent["id"]),
        traceId: String(sent["trace_id"]),
        parentId: sent["parent_id"] === undefined ? undefined : String(sent["parent_id"]),
        outcome: String(sent["outcome"]),
        sent,
        root: kind === "transaction"
      })
    }
  }
}

/** An OpenTelemetry collector's `/v1/traces`, in JSON. */
export class OtlpCollector extends Receiver {
  protected override take(path: string, body: string): void {
    if (path !== "/v1/traces") return
    const { resourceSpans } = JSON.parse(body) as {
      resourceSpans: ReadonlyArray<{ resource: Json; scopeSpans: ReadonlyArray<{ spans: ReadonlyArray<Json> }> }>
    }
    for (const { resource, scopeSpans } of resourceSpans) {
      this.metadata.push(resource)
      for (const sent of scopeSpans.flatMap(({ spans }) => spans)) {
        const parentId = sent["parentSpanId"]
        this.spans.push({
          name: String(sent["name"]),
          id: String(sent["spanId"]),
          traceId: String(sent["traceId"]),
          parentId: parentId === undefined ? undefined : String(parentId),
          outcome: (sent["status"] as Json)["code"] === 2 ? "failure" : "success",
          sent,
          root: parentId === undefined
        })
      }
    }
  }
}
