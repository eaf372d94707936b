/** Counts the statements that clients send to Postgres, on the line between: whatever library or plan they come by. */

/** Of a message: its type and its length, which counts itself and not the type. */
const HEAD_BYTES = 5

/** Runs of a prepared statement, and simple queries. */
const STATEMENTS = ['E'.charCodeAt(0), 'Q'.charCodeAt(0)]

/** For each connection one; told of every chunk that the client sends. */
export function createStatementCounter(onStatement: () => void): (chunk: Buffer) => void {
  let waiting = Buffer.alloc(0)
  let hasBegun = false
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk])
    // The first message has no type.
    if (!hasBegun) {
      if (waiting.length < 4 || waiting.length < waiting.readUInt32BE(0)) return
      waiting = waiting.subarray(waiting.readUInt32BE(0))
      hasBegun = true
    }
    while (waiting.length >= HEAD_BYTES) {
      const length = waiting.readUInt32BE(1) + 1
      if (waiting.length < length) return
      if (STATEMENTS.includes(waiting[0] ?? 0)) onStatement()
      waiting = waiting.subarray(length)
    }
  }
}
