/**
 * Read your writes (design, section 4). A command's answer waits, within bounds, until the read models have taken in what
 * it wrote, and names the position; whoever sends the position back with a GET is answered from read models that are at
 * least that far, on whatever process.
 */
import type { Exchange } from './environment.ts'
import { invalid, Problem } from './errors.ts'

export const POSITION_HEADER = 'x-opslog-position'
/** `behind` on a command's answer: the read models do not show it yet. */
export const READ_MODELS_HEADER = 'x-opslog-read-models'

/** The part of the projections' waiter that is used here. */
export interface Waiter {
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** The position that the read models are known to stand at. */
  current(): bigint | undefined
}

const POSITION_MAX = 2n ** 63n - 1n

/**
 * Waits for a command's position, at most `waitMs`; the answer carries it either way, and says where the read models are
 * behind it. Undefined where there is nothing to wait for.
 */
export function waitForReadModels(
  exchange: Exchange,
  position: bigint | undefined,
  { waiter, waitMs }: { waiter: Waiter; waitMs: number },
): Promise<void> | undefined {
  name(exchange, position ?? waiter.current())
  return position === undefined ? undefined : reachOrSay(exchange, position, waiter, waitMs)
}

async function reachOrSay(exchange: Exchange, position: bigint, waiter: Waiter, waitMs: number): Promise<void> {
  if (!(await waiter.waitFor(position, waitMs))) exchange.headers[READ_MODELS_HEADER] = 'behind'
}

/**
 * For reads: waits for the position that the request names, and names the one that the answer is from. Undefined where
 * there is nothing to wait for.
 */
export function readAtLeast(waiter: Waiter, waitMs: number) {
  const reach = async (exchange: Exchange, asked: string) => {
    if (!(await waiter.waitFor(parsePosition(asked), waitMs))) {
      throw new Problem('read_model_behind', `The read models did not reach position ${asked} within ${waitMs} ms.`)
    }
    name(exchange, waiter.current())
  }
  return (exchange: Exchange, asked: string | undefined): Promise<void> | undefined =>
    asked === undefined ? name(exchange, waiter.current()) : reach(exchange, asked)
}

function name({ headers }: Exchange, position: bigint | undefined): undefined {
  if (position !== undefined) headers[POSITION_HEADER] = position.toString()
}

function parsePosition(text: string): bigint {
  const position = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined
  if (position === undefined || position > POSITION_MAX) {
    const detail = `${POSITION_HEADER} is to be a position as an answer named it.`
    throw invalid(`header/${POSITION_HEADER}`, 'invalid_format', detail)
  }
  return position
}
