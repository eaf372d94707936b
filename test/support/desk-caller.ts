/**
 * A process that makes one call at an agent's desk: started with the event store's address, the account, the agent and how many
 * events its books have. It says what it came to, and stays until it is ended.
 */
import { createEventStore } from '../../src/events/store.ts'
import { registry } from './contexts.ts'
import { candidates, settlement } from './desk.ts'
import { context, newCall, startDesks } from './desks.ts'

const [url = '', accountId = '', agentId = '', books = '20000'] = process.argv.slice(2)
const store = createEventStore({ url, registry, deadlineMs: 5_000, appendAttemptsMax: 3 })
const desks = startDesks(store, { bookEventsMax: Number(books) })
const agent = { accountId, agentId }
const say = (what: object) => process.stdout.write(`${JSON.stringify(what)}\n`)

const call = newCall(agent, { budget: { hardLimitUsd: '0.05' } })
say({ processId: desks.processId, callId: call.callId })
await desks.admit(call, () => candidates, context())
// The provider would be called here.
say({ admitted: call.callId })
await desks.settle(agent, { ...settlement(''), callId: call.callId }, context()).recorded
say({ settled: call.callId })
await desks.drained()
await store.close()
