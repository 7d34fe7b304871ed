/**
 * Why a figure cannot be had: a server that sent the wrong thing, ended or stalled, or a machine that does not allow the load.
 * `message` is whole sentences for the person at the terminal. No figure of the turn is reported.
 */
export class BenchFault extends Error {
  override readonly name = "BenchFault"
}
