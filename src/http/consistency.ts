/**
 * Read your writes (design, section 8). A command's answer waits, within bounds, until the read models show what it
 * wrote, and names the position. A GET that sends the position back is answered by read models that are at least that
 * far, on any process. A position in the open would show every tenant how much the others write, so it is sealed.
 */
import { span } from '../telemetry.ts'
import type { Exchange } from './environment.ts'
import { invalid, Problem } from './errors.ts'
import type { PositionSealer } from './sealed-position.ts'

export const POSITION_HEADER = 'x-opslog-position'
/** `behind` on a command's answer: the read models do not show it yet. */
export const READ_MODELS_HEADER = 'x-opslog-read-models'

/** The part of the projections' waiter that is used here. */
export interface Waiter {
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** The position that the read models are known to stand at. */
  current(): bigint | undefined
}

export interface Consistency {
  waiter: Waiter
  /** How long an answer waits for the read models. */
  waitMs: number
  sealer: PositionSealer
}

/**
 * Waits for a command's position, at most `waitMs`; the answer carries it either way, and says where the read models are
 * behind it. Undefined where there is nothing to wait for.
 */
export function waitForReadModels(
  exchange: Exchange,
  position: bigint | undefined,
  consistency: Consistency,
): Promise<void> | undefined {
  name(exchange, position ?? consistency.waiter.current(), consistency)
  return position === undefined ? undefined : reachOrSay(exchange, position, consistency)
}

async function reachOrSay(exchange: Exchange, position: bigint, { waiter, waitMs }: Consistency): Promise<void> {
  const reached = await span('wait for position', {}, () => waiter.waitFor(position, waitMs))
  if (!reached) exchange.headers[READ_MODELS_HEADER] = 'behind'
}

/**
 * For reads: waits for the position that the request names, and names the one that the answer is from. Undefined where
 * there is nothing to wait for.
 */
export function readAtLeast(consistency: Consistency) {
  const { waiter, waitMs, sealer } = consistency
  const reach = async (exchange: Exchange, asked: string) => {
    const position = sealer.openPosition(asked)
    if (position === undefined) {
      const detail = `Send ${POSITION_HEADER} exactly as an answer named it.`
      throw invalid(`header/${POSITION_HEADER}`, 'invalid_format', detail)
    }
    if (!(await span('wait for position', {}, () => waiter.waitFor(position, waitMs)))) {
      throw new Problem('read_model_behind', `The read models did not reach the position within ${waitMs} ms.`)
    }
    name(exchange, waiter.current(), consistency)
  }
  return (exchange: Exchange, asked: string | undefined): Promise<void> | undefined =>
    asked === undefined ? name(exchange, waiter.current(), consistency) : reach(exchange, asked)
}

function name({ headers }: Exchange, position: bigint | undefined, { sealer }: Consistency): undefined {
  if (position !== undefined) headers[POSITION_HEADER] = sealer.sealPosition(position)
}
