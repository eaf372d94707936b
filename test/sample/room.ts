/** The sample context's third aggregate: a room, open or shut, whose visits and takings are counted without a gap. */
import { z } from 'zod'
import type { Book } from '../../src/audit/declarations.ts'
import { type Aggregate, streamName } from '../../src/commands/decider.ts'
import { Rejected } from '../../src/commands/rejection.ts'
import type { EventOf } from '../../src/events/event.ts'

const status = z.enum(['open', 'shut', 'lent'])
const stands = { roomId: z.string(), occurredAt: z.iso.datetime() }

export const roomEvents = {
  'sample.RoomOpened.v1': z.object({ ...stands, tenantId: z.string(), name: z.string(), price: z.string() }),
  'sample.RoomStatusChanged.v1': z.object({ ...stands, from: status, to: status, reason: z.string().optional() }),
  'sample.RoomStatusKept.v1': z.object({ ...stands, status }),
  /** `sequence`: from 1, over visits and takings. */
  'sample.VisitCounted.v1': z.object({ ...stands, commandId: z.string(), sequence: z.int() }),
  'sample.FeeTaken.v1': z.object({ ...stands, sequence: z.int(), fee: z.int(), takings: z.int() }),
}
export type RoomEvent = EventOf<typeof roomEvents>

export const roomSentences = {
  'sample.RoomOpened.v1': 'The room {name} was opened at {price}.',
  'sample.RoomStatusChanged.v1': 'The status went from {from} to {to}{reason?: <reason>}.',
}

type Status = z.infer<typeof status>
interface Told {
  commandId: string
  at: string
}
export type RoomCommand =
  | ({ kind: 'open'; facts: { roomId: string; tenantId: string; name: string; price: string } } & Told)
  | ({ kind: 'visit'; roomId: string } & Told)
  | ({ kind: 'change status'; roomId: string; to: Status } & Told)

export type RoomState = { status: 'absent' } | { status: Status; visits: number }

export const room: Aggregate<RoomState, RoomCommand, RoomEvent> = {
  category: 'sample.room',
  initialState: { status: 'absent' },
  evolve(state, { type, data }) {
    if (type === 'sample.RoomOpened.v1') return { status: 'open', visits: 0 }
    if (state.status === 'absent') return state
    if (type === 'sample.RoomStatusChanged.v1') return { ...state, status: data.to }
    return type === 'sample.VisitCounted.v1' ? { ...state, visits: data.sequence } : state
  },
  decide(command, state) {
    const { commandId, at: occurredAt } = command
    const counted = (roomId: string, sequence: number): RoomEvent => ({
      type: 'sample.VisitCounted.v1',
      data: { roomId, commandId, sequence, occurredAt },
    })
    if (command.kind === 'open') {
      if (state.status !== 'absent') throw new Rejected('room_known', 'There is such a room.')
      const { facts } = command
      return [{ type: 'sample.RoomOpened.v1', data: { ...facts, occurredAt } }, counted(facts.roomId, 1)]
    }
    if (state.status === 'absent') throw new Rejected('room_not_found', 'There is no such room.')
    const { roomId } = command
    const next = counted(roomId, state.visits + 1)
    if (command.kind === 'visit') return [next]
    const { status: from } = state
    if (command.to === from) return [{ type: 'sample.RoomStatusKept.v1', data: { roomId, status: from, occurredAt } }]
    return [{ type: 'sample.RoomStatusChanged.v1', data: { roomId, from, to: command.to, occurredAt } }, next]
  },
}

export const roomStream = (roomId: string): string => streamName(room, roomId)

const AT = '2026-03-02T09:00:00.000Z'
const roomId = '7a0c1f8e-5d43-5b0e-9c67-2f1f6b5f0a11'

/** An event of each type. */
export const roomOpened = (over: object = {}) => ({
  type: 'sample.RoomOpened.v1' as const,
  data: { roomId, tenantId: 'acme', name: 'The blue one', price: '100000.00', occurredAt: AT, ...over },
})
export const roomChanged = (from: string, to: string) => ({
  type: 'sample.RoomStatusChanged.v1' as const,
  data: { roomId, from, to, occurredAt: AT } as { roomId: string; from: Status; to: Status; occurredAt: string },
})
export const feeTaken = (sequence: number, fee: number, takings: number) => ({
  type: 'sample.FeeTaken.v1' as const,
  data: { roomId, sequence, fee, takings, occurredAt: AT },
})
export const roomExamples = [
  roomOpened(),
  { type: 'sample.VisitCounted.v1' as const, data: { roomId, commandId: roomId, sequence: 1, occurredAt: AT } },
  roomChanged('open', 'shut'),
  { type: 'sample.RoomStatusKept.v1' as const, data: { roomId, status: 'shut' as const, occurredAt: AT } },
  feeTaken(2, 5, 5),
] satisfies RoomEvent[]

/** Each fee and the takings before it make the takings after it. */
export const takingsBook: Book = {
  name: 'the takings of a room',
  open() {
    let takings = 0
    return {
      enter({ type, data }) {
        if (type !== 'sample.FeeTaken.v1') return []
        const expected = takings + Number(data.fee)
        takings = Number(data.takings)
        return takings === expected ? [] : [`the takings are ${takings}, but ought to be ${expected}`]
      },
    }
  },
}
