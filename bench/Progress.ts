import type { WriteStream } from "node:tty"

/** How far a run is, on standard error: a line that changes on a terminal, elsewhere only what is done. */
export class Progress {
  readonly #stream: WriteStream
  #last = 0

  constructor(stream: WriteStream) {
    this.#stream = stream
  }

  /** At most ten times a second. */
  now(text: string): void {
    if (!this.#stream.isTTY || performance.now() - this.#last < 100) return
    this.#last = performance.now()
    this.#stream.write(`\r\u001b[K${text.slice(0, (this.#stream.columns || 80) - 1)}`)
  }

  done(text: string): void {
    this.#stream.write(this.#stream.isTTY ? `\r\u001b[K${text}\n` : `${text}\n`)
  }
}
