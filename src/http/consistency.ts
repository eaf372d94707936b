/**
 * Read your writes (design, section 4). A command's answer waits, within bounds, until the read models have taken in what
 * it wrote, and names the position; whoever sends the position back with a GET is answered from read models that are at
 * least that far, on whatever process.
 */
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'
import { invalid, Problem } from './problem.ts'

export const POSITION_HEADER = 'x-opslog-position'

/** The part of the projections' waiter that is used here. */
export interface Waiter {
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** The position that the read models are known to stand at. */
  current(): bigint | undefined
}

const POSITION_MAX = 2n ** 63n - 1n

/** Waits for a command's position, at most `waitMs`; the answer carries it either way. */
export async function waitForReadModels(
  c: Context<AppEnv>,
  position: bigint | undefined,
  { waiter, waitMs }: { waiter: Waiter; waitMs: number },
): Promise<void> {
  if (position !== undefined && waitMs > 0) await waiter.waitFor(position, waitMs)
  name(c, position ?? waiter.current())
}

/**
 * For reads: waits for the position that the request names, and names the one that the answer is from. Undefined where
 * there is nothing to wait for.
 */
export function readAtLeast(waiter: Waiter, waitMs: number): (c: Context<AppEnv>) => Promise<void> | undefined {
  const reach = async (c: Context<AppEnv>, asked: string) => {
    if (!(await waiter.waitFor(parsePosition(asked), waitMs))) {
      const detail = `The read models did not reach position ${asked} within ${waitMs} ms.`
      throw new Problem('read_model_behind', detail, { headers: { 'retry-after': '1' } })
    }
    name(c, waiter.current())
  }
  return (c) => {
    if (c.req.method !== 'GET') return undefined
    const asked = c.req.header(POSITION_HEADER)
    return asked === undefined ? name(c, waiter.current()) : reach(c, asked)
  }
}

function name(c: Context<AppEnv>, position: bigint | undefined): undefined {
  if (position !== undefined) c.header(POSITION_HEADER, position.toString())
}

function parsePosition(text: string): bigint {
  const position = /^\d{1,19}$/.test(text) ? BigInt(text) : undefined
  if (position === undefined || position > POSITION_MAX) {
    const detail = `${POSITION_HEADER} is to be a position as an answer named it.`
    throw invalid(`header/${POSITION_HEADER}`, 'invalid_format', detail)
  }
  return position
}
