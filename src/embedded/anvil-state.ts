/**
 * The state of the private chain on disk. anvil would write it every second whether or not anything has happened, and not in one
 * step, so that a kill in the middle loses everything. So it is asked for its state here, after a block has come, and that becomes the
 * kept one in one step. When it ends in good order it leaves its last state itself.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { gunzipSync, gzipSync } from 'node:zlib'
import { z } from 'zod'

/** What anvil writes; other members stay as they are. */
const stateSchema = z.looseObject({
  best_block_number: z.number(),
  blocks: z.array(z.looseObject({ header: z.looseObject({ number: z.string().regex(/^0x[0-9a-f]+$/) }) })),
})

/** Blocks that outlive a stop: with each the file grows, and the time to write it. */
const BLOCKS_KEPT = 1_000
const KEPT = 'state.gz'
const LEFT_AT_THE_END = 'end.json'
const TO_START_FROM = 'start.json'

/** Where anvil is to leave its state when it ends. */
export const endFileOf = (directory: string): string => join(directory, LEFT_AT_THE_END)

/** The file that anvil is to start from; undefined: it starts with nothing. */
export function stateToStartFrom(directory: string): string | undefined {
  const state = stateIn(() => readFileSync(endFileOf(directory))) ?? stateIn(() => readKept(directory))
  rmSync(endFileOf(directory), { force: true })
  if (!state) return undefined
  const oldest = state.best_block_number - BLOCKS_KEPT
  const blocks = state.blocks.filter(({ header }) => Number(header.number) > oldest)
  const content = JSON.stringify({ ...state, blocks })
  // From here on it is the kept one, until there is a newer.
  keep(directory, gzipSync(content))
  const file = join(directory, TO_START_FROM)
  writeFileSync(file, content, { mode: 0o600 })
  return file
}

const readKept = (directory: string): Buffer => gunzipSync(readFileSync(join(directory, KEPT)))

function keep(directory: string, zipped: Buffer): void {
  writeFileSync(join(directory, `${KEPT}.new`), zipped, { mode: 0o600 })
  renameSync(join(directory, `${KEPT}.new`), join(directory, KEPT))
}

/** Undefined where there is none, or only a part of one. */
function stateIn(read: () => Buffer): z.output<typeof stateSchema> | undefined {
  try {
    return stateSchema.parse(JSON.parse(read().toString('utf8')))
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT'
    if (isMissing || error instanceof SyntaxError) return undefined
    throw error
  }
}

export type Ask = (method: string, ...params: unknown[]) => Promise<unknown>

const INTERVAL_MS = 1_000
/** So that a large state does not take the chain's whole time. */
const REST_FACTOR = 10

/** Keeps the chain's state while it runs. The function that it gives back ends that. */
export function startKeepingState(
  directory: string,
  ask: Ask,
  onFault: (error: unknown) => void = () => undefined,
): () => Promise<void> {
  const stopping = new AbortController()
  let keptBlock: unknown
  let isFailing = false

  /** Undefined where the chain does not answer: it has ended, or is about to answer again, and whoever started it knows. */
  const asked = (method: string) => ask(method).catch(() => undefined)

  async function keepWhatIsNew(): Promise<void> {
    const block = await asked('eth_blockNumber')
    if (block === undefined || block === keptBlock) return
    const state = await asked('anvil_dumpState')
    if (typeof state !== 'string') return
    const file = join(directory, KEPT)
    await writeFile(`${file}.new`, Buffer.from(state.slice(2), 'hex'), { mode: 0o600 })
    await rename(`${file}.new`, file)
    keptBlock = block
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const startedMs = performance.now()
      try {
        await keepWhatIsNew()
        isFailing = false
      } catch (error) {
        if (!isFailing) onFault(error)
        isFailing = true
      }
      const restMs = Math.max(INTERVAL_MS, (performance.now() - startedMs) * REST_FACTOR)
      await delay(restMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return async () => {
    stopping.abort()
    await running
  }
}
