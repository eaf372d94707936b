import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deterministicId } from '../../../src/commands/identity.ts'
import type { Recorded } from '../../../src/events/event.ts'
import type { NewEvent } from '../../../src/events/store.ts'
import { type EngineCommand, engineCommandSchema } from '../../../src/gateway/contract.ts'
import type { MessageStream } from '../../../src/gateway/stream.ts'
import {
  dueAt,
  dueCommands,
  ENGINE_COMMAND_REQUESTED,
  relayBatch,
  resend,
} from '../../../src/processes/noctant/relay.ts'
import type { CommandRequest, UnconfirmedCommand } from '../../../src/projections/noctant/account-command.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'
import { receive, recordingLog, streamKinds } from '../../support/streams.ts'

let node: TestStore
beforeAll(async () => {
  node = await startTestStore()
})
afterAll(() => node.close())

const everything = { concurrencyMax: 8, historyEnd: undefined }
const limits = {
  republishBackoffMinMs: 1_000,
  republishBackoffMaxMs: 4_000,
  republishAttemptsMax: 2,
}

function request(accountId: string, sequence: number): CommandRequest {
  return {
    commandId: randomUUID(),
    programAccountId: deterministicId('program', accountId),
    accountId,
    sequence,
    order: { kind: 'close_all', reason: null },
    occurredAt: '2026-01-02T03:04:05.678Z',
  }
}

/** The requests as the log has them: appended to an account stream and read back. */
async function recordedRequests(requests: CommandRequest[]): Promise<Recorded[]> {
  const stream = `noctant.account-${randomUUID()}`
  const events = requests.map((data): NewEvent => {
    const actor = { kind: 'operator', id: 'test' } as const
    const cause = { $correlationId: 'request', $causationId: data.commandId, actor, commandId: data.commandId }
    return { id: randomUUID(), event: { type: ENGINE_COMMAND_REQUESTED, data }, cause }
  })
  await node.store.append(stream, undefined, '', events)
  return eventsOf(node.store, stream)
}

const bodies = (messages: { body: Uint8Array }[]): EngineCommand[] =>
  messages.map(({ body }) => engineCommandSchema.parse(JSON.parse(new TextDecoder().decode(body))))

const statusOf = async (commandId: string) =>
  (await eventsOf(node.store, `noctant.engineCommand-${commandId}`)).map((event) => event.type)

describe.each(streamKinds())('the relay over $name', ({ open }) => {
  async function relay(): Promise<{ stream: MessageStream; deps: Parameters<typeof relayBatch>[0] }> {
    const stream = await open()
    return { stream, deps: { stream, store: node.store, log: recordingLog() } }
  }

  it('publishes the commands of an account in order and records each acknowledgement', async () => {
    const { stream, deps } = await relay()
    const accountId = randomUUID()
    const requests = [1, 2, 3].map((sequence) => request(accountId, sequence))
    await relayBatch(deps, await recordedRequests(requests), everything)
    const sent = bodies(await receive(stream, 'commands', 3)).filter((command) => command.accountId === accountId)
    expect(sent.map((command) => command.sequence)).toEqual([1, 2, 3])
    for (const { commandId } of requests) {
      expect(await statusOf(commandId)).toEqual(['noctant.EngineCommandPublished.v1'])
    }
    await stream.close()
  })

  it('does a batch again after a crash without a second message or a second record', async () => {
    const { stream, deps } = await relay()
    const requests = [1, 2].map((sequence) => request(randomUUID(), sequence))
    const events = await recordedRequests(requests)
    await relayBatch(deps, events, everything)
    await relayBatch(deps, events, everything)
    const marker = request(randomUUID(), 1)
    await relayBatch(deps, await recordedRequests([marker]), everything)
    const sent = bodies(await receive(stream, 'commands', 3))
    const ours = sent.filter(({ commandId }) => requests.some((each) => each.commandId === commandId))
    expect(ours).toHaveLength(2)
    for (const { commandId } of requests) expect(await statusOf(commandId)).toHaveLength(1)
    await stream.close()
  })

  it('leaves history that is on record alone, and sends what is not', async () => {
    const { stream, deps } = await relay()
    const [sent, unsent] = [request(randomUUID(), 1), request(randomUUID(), 1)]
    const first = await recordedRequests([sent])
    await relayBatch(deps, first, everything)
    const second = await recordedRequests([unsent])
    const historyEnd = second[0]?.position
    const log = recordingLog()
    await relayBatch({ ...deps, log }, [...first, ...second], { concurrencyMax: 8, historyEnd })
    expect(await statusOf(sent.commandId)).toHaveLength(1)
    expect(await statusOf(unsent.commandId)).toHaveLength(1)
    await stream.close()
  })

  it('sends an unconfirmed command again with a growing wait, then gives it up', async () => {
    const { stream, deps } = await relay()
    const command = request(randomUUID(), 1)
    await relayBatch(deps, await recordedRequests([command]), everything)
    const lastSentAt = new Date('2026-01-02T03:04:05.000Z')
    const { commandId, accountId, programAccountId } = command
    const row = { command_id: commandId, account_id: accountId, program_account_id: programAccountId, request: command }
    const accepted_at = command.occurredAt
    for (let sends = 1; sends <= limits.republishAttemptsMax + 2; sends++) {
      const due = dueAt(sends, lastSentAt, limits)
      const sent = { status: 'nats_published' as const, attempts: sends, last_sent_at: lastSentAt.toISOString() }
      const unconfirmed = async (): Promise<UnconfirmedCommand[]> => [{ ...row, accepted_at, ...sent }]
      const dueBy = (nowMs: number) => dueCommands(unconfirmed, limits, { now: new Date(nowMs), limit: 10 })
      expect(await dueBy(due - 1)).toStrictEqual([])
      for (const each of await dueBy(due)) await resend(deps, each, limits, new Date(due))
    }
    expect(await statusOf(command.commandId)).toEqual([
      'noctant.EngineCommandPublished.v1',
      'noctant.EngineCommandRepublished.v1',
      'noctant.EngineCommandRepublished.v1',
      'noctant.EngineCommandDeadLettered.v1',
    ])
    await stream.close()
  })
})
