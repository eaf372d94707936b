/** A node of a chain that does to questions what nodes and networks do: lose the answer, refuse, be silent, say nonsense. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Question {
  method: string
  params: unknown[]
}

export type NodeFault =
  /** The connection breaks, before the node has heard of it. */
  | 'away'
  /** Nothing comes, and the connection stays. */
  | 'silent'
  /** The node does it, and its answer is lost. */
  | 'lose-answer'
  /** The node says this instead of doing it. */
  | { refuse: string }
  /** The node does it, and says this. */
  | { doneBut: string }
  /** Not even JSON. */
  | { text: string }
  | { result: unknown }

export interface FaultyNode {
  url: string
  /** What becomes of a question; undefined: nothing. Asked for each, those of a batch too, of which the first fault counts. */
  meddle(with_: (question: Question) => NodeFault | undefined | Promise<NodeFault | undefined>): void
  /** As if nothing had been. */
  mend(): void
  close(): Promise<void>
}

const textOf = async (request: IncomingMessage): Promise<string> => {
  const blocks: Buffer[] = []
  for await (const block of request) blocks.push(block as Buffer)
  return Buffer.concat(blocks).toString('utf8')
}

export async function startFaultyNode(target: string): Promise<FaultyNode> {
  let rule: Parameters<FaultyNode['meddle']>[0] = () => undefined

  async function faultOf(questions: readonly Question[]): Promise<NodeFault | undefined> {
    for (const question of questions) {
      const fault = await rule(question)
      if (fault !== undefined) return fault
    }
    return undefined
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request)
    const asked = JSON.parse(body) as (Question & { id: number }) | (Question & { id: number })[]
    const questions = Array.isArray(asked) ? asked : [asked]
    const fault = await faultOf(questions)
    const say = (text: string) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text)
    const saying = (member: object) => {
      const replies = questions.map(({ id }) => ({ jsonrpc: '2.0', id, ...member }))
      say(JSON.stringify(Array.isArray(asked) ? replies : replies[0]))
    }
    const refusal = (message: string) => saying({ error: { code: -32_000, message } })
    if (fault === 'silent') return
    if (fault === 'away') return void request.socket.destroy()
    if (typeof fault === 'object' && 'refuse' in fault) return refusal(fault.refuse)
    if (typeof fault === 'object' && 'text' in fault) return say(fault.text)
    if (typeof fault === 'object' && 'result' in fault) return saying({ result: fault.result })
    const headers = { 'content-type': 'application/json' }
    const text = await (await fetch(target, { method: 'POST', headers, body })).text()
    if (fault === 'lose-answer') return void request.socket.destroy()
    if (typeof fault === 'object') return refusal(fault.doneBut)
    say(text)
  }

  const server = createServer((request, response) => {
    // The node behind it is gone: so is this one.
    answer(request, response).catch(() => request.socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    meddle(with_) {
      rule = with_
    },
    mend() {
      rule = () => undefined
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
