/** The node as a process: `node main.ts --directory D [--port P] [--host H]`. Prints one JSON line when it is ready. */
import { mkdirSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { credentialOf } from './access.ts'
import { runNode } from './node.ts'

const { values } = parseArgs({
  options: { directory: { type: 'string' }, port: { type: 'string' }, host: { type: 'string' } },
})

if (!values.directory) {
  process.stderr.write('usage: main.ts --directory DIRECTORY [--port PORT] [--host HOST]\n')
  process.exit(2)
}

try {
  const host = values.host ?? '127.0.0.1'
  mkdirSync(values.directory, { recursive: true, mode: 0o700 })
  const credential = credentialOf(values.directory)
  const node = await runNode({ directory: values.directory, port: Number(values.port ?? 0), host, credential })
  const stop = () => void node.close()
  void node.closed.then(() => process.exit(0))
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  process.stdout.write(`${JSON.stringify({ url: node.url, port: node.port, pid: process.pid })}\n`)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
