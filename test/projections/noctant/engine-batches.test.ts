/** What an engine says of few orders, positions and commands ends the same in the tables, however it is cut into batches. */
import fc from 'fast-check'
import { afterAll, beforeAll, test } from 'vitest'
import { noctant } from '../../../src/contexts/noctant.ts'
import { type ExampleEvent, type ExampleType, example, streamOf, uuidOf } from '../../support/examples.ts'
import { endTheSameWhereverCut } from '../batches.ts'
import { type Prepared, prepared } from '../support.ts'

const ENGINE_TYPES: readonly ExampleType[] = [
  'noctant.EngineOrderPlaced.v1',
  'noctant.EngineOrderFilled.v1',
  'noctant.EngineOrderCancelled.v1',
  'noctant.EnginePositionChanged.v1',
  'noctant.EnginePositionClosed.v1',
  'noctant.EngineAccountMarked.v1',
  'noctant.EngineCommandDecided.v1',
  'noctant.EngineCommandPublished.v1',
  'noctant.EngineCommandRepublished.v1',
  'noctant.EngineCommandRequested.v1',
  'noctant.AccountOpened.v1',
  'noctant.AccountStatusChanged.v1',
]
/** The other tables stay empty: reading them again and again took most of the time. */
const projections = noctant.projections.filter(({ handlers }) => ENGINE_TYPES.some((type) => type in handlers))

let database: Prepared
beforeAll(async () => {
  database = await prepared(projections, 'noctant')
})
afterAll(() => database.drop())

/** Events on few orders, positions and commands, so that they get in each other's way. */
const few = fc.constantFrom('a', 'b', 'c')
const engineEvent = fc
  .record({
    type: fc.constantFrom(...ENGINE_TYPES),
    one: few,
    two: few,
    number: fc.integer({ min: 1, max: 99 }),
  })
  .map(({ type, one, two, number }) => {
    const fits = example(type).data as Record<string, unknown>
    const overrides: Record<string, unknown> = {
      orderId: uuidOf(`order ${one}`),
      positionId: uuidOf(`position ${one}`),
      commandId: uuidOf(`command ${two}`),
      filledQuantity: `${number}.5`,
      unrealizedPnl: `-${number}`,
      attempt: number,
      positions: [
        { positionId: uuidOf(`position ${one}`), symbol: 'EURUSD', markPrice: '1', unrealizedPnl: `${number}` },
        { positionId: uuidOf(`position ${two}`), symbol: 'EURUSD', markPrice: '1', unrealizedPnl: `${-number}` },
      ],
    }
    const changed = Object.fromEntries(Object.entries(overrides).filter(([name]) => name in fits))
    return { type, data: { ...fits, ...changed } } as ExampleEvent
  })

test('batches end the same wherever they are cut, in Postgres and in memory', () =>
  endTheSameWhereverCut(database.db, projections, engineEvent, streamOf))
