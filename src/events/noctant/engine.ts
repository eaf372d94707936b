/**
 * The engine's write-ahead log as this side recorded it. Stream `noctant.engine-<accountId>`; an event's revision is its
 * WAL sequence less one, its id is the WAL event's own. Event names are the storage format.
 */
import { z } from 'zod'
import { engineEventData } from '../../gateway/contract.ts'
import type { EventOf } from '../event.ts'
import { time, uuid } from './vocabulary.ts'

const head = {
  accountId: uuid,
  /** Per account, from 1, without gaps. */
  sequence: z.int().positive(),
  /** The command that caused it; null where the trader or the market did. */
  commandId: uuid.nullable(),
  occurredAt: time,
}

/** A message of the contract as it is recorded: head and data in one object. */
const recorded = <S extends z.ZodRawShape>({ shape }: z.ZodObject<S>) => z.object({ ...head, ...shape })

export const engineEvents = {
  'noctant.EngineAccountOpened.v1': recorded(engineEventData.AccountOpened),
  'noctant.EngineTradingStatusChanged.v1': recorded(engineEventData.TradingStatusChanged),
  'noctant.EngineOrderPlaced.v1': recorded(engineEventData.OrderPlaced),
  'noctant.EngineOrderRejected.v1': recorded(engineEventData.OrderRejected),
  'noctant.EngineOrderFilled.v1': recorded(engineEventData.OrderFilled),
  'noctant.EngineOrderCancelled.v1': recorded(engineEventData.OrderCancelled),
  'noctant.EnginePositionChanged.v1': recorded(engineEventData.PositionChanged),
  'noctant.EnginePositionClosed.v1': recorded(engineEventData.PositionClosed),
  'noctant.EngineTradeClosed.v1': recorded(engineEventData.TradeClosed),
  'noctant.EngineBalanceChanged.v1': recorded(engineEventData.BalanceChanged),
  'noctant.EngineAccountMarked.v1': recorded(engineEventData.AccountMarked),
  /** Of a historical session: its stream is `noctant.engine-<backtestRunId>`, the run's id in the account's place. */
  'noctant.EngineReplaySessionCreated.v1': recorded(engineEventData.ReplaySessionCreated),
  'noctant.EngineBacktestTradeClosed.v1': recorded(engineEventData.BacktestTradeClosed),
  'noctant.EngineBacktestCompleted.v1': recorded(engineEventData.BacktestCompleted),
  'noctant.EngineCommandDecided.v1': z.object({ ...head, commandId: uuid, ...engineEventData.CommandDecided.shape }),
}
export type EngineEvent = EventOf<typeof engineEvents>

/** What could not be entered in an account's engine stream. Stream `noctant.engineQuarantine-<accountId>`. */
export const engineQuarantineEvents = {
  'noctant.EngineEventQuarantined.v1': z.object({
    accountId: z.string(),
    reason: z.string(),
    /** The message as it came, UTF-8, at most 64 KiB. */
    body: z.string(),
    occurredAt: time,
  }),
}
export type EngineQuarantineEvent = EventOf<typeof engineQuarantineEvents>
