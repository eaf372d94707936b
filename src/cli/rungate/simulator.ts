/** `opslog rungate simulator`: a provider of models on this machine, for those who have no account with one. */
import { once } from 'node:events'
import { Command } from 'commander'
import { CliError, colours, EXIT, facts, show } from '../terminal.ts'
import { portOf } from './arguments.ts'

interface Options {
  port: number
  json?: boolean
}

export function simulatorCommand(): Command {
  return new Command('simulator')
    .description('start a provider of models on loopback, which answers the same to the same question')
    .option('--port <port>', 'its port; 0: a free one', portOf, 0)
    .option('--json', 'print JSON')
    .action(run)
    .addHelpText(
      'after',
      `
It runs until Ctrl-C. Any key is good. Faults come on order: POST /control; what it was sent: GET /log.

Examples:
  opslog rungate simulator --port 4010
  curl http://127.0.0.1:4010/control -d \\
    '{"rules":[{"match":{"model":"gpt-5"},"times":1,"fault":{"status":529}}]}'

Exit codes: 0 ended by Ctrl-C, 1 the port is taken, 2 wrong usage.`,
    )
}

async function run({ port, ...options }: Options): Promise<void> {
  const { startLlmSimulator } = await import('../../embedded/llm/server.ts')
  const simulator = await startLlmSimulator({ port }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EADDRINUSE') throw error
    throw new CliError(EXIT.refused, `Port ${port} is taken.`, 'Leave --port out for a free one.')
  })
  const { url } = simulator
  show({ url, openai_base_url: `${url}/v1`, anthropic_base_url: url }, options, () =>
    facts([
      ['simulator', colours.bold(url)],
      ['base_url of an openai key', `${url}/v1`],
      ['base_url of an anthropic key', url],
    ]),
  )
  const stopping = new AbortController()
  await Promise.race(
    ['SIGINT', 'SIGTERM'].map((signal) => once(process, signal, { signal: stopping.signal }).catch(() => undefined)),
  )
  stopping.abort()
  await simulator.close()
}
