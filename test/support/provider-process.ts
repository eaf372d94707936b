/** The simulated provider of models as a process of its own, which is ordered and asked over HTTP. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Order } from '../../src/embedded/llm/control.ts'
import type { LoggedCall } from '../../src/embedded/llm/server.ts'
import { root } from './source.ts'

export interface ProviderProcess {
  /** `http://127.0.0.1:40123` */
  url: string
  order(order: Order): Promise<void>
  /** The last calls, oldest first. */
  log(): Promise<LoggedCall[]>
  close(): Promise<void>
}

export async function startProviderProcess(): Promise<ProviderProcess> {
  const program = ['--disable-warning=ExperimentalWarning', join(root, 'src/cli/opslog.ts')]
  const child = spawn(process.execPath, [...program, 'rungate', 'simulator', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.includes('}')) break
  }
  child.stdout.resume()
  const { url } = JSON.parse(said) as { url: string }
  const ask = async (path: string, init?: RequestInit) => {
    const answer = await fetch(url + path, init)
    if (!answer.ok) throw new Error(`${path} answers ${answer.status}: ${await answer.text()}`)
    return answer.json()
  }
  return {
    url,
    order: async (order) => void (await ask('/control', { method: 'POST', body: JSON.stringify(order) })),
    log: async () => ((await ask('/log')) as { data: LoggedCall[] }).data,
    async close() {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}
