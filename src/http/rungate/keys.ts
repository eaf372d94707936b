/** New keys and tokens, and the wait until this process acts by what became of them. */
import { untilSo } from '../../runtime/until-so.ts'

/** Resolves when it is so in this process, or when that takes too long. */
export async function isKnownHere(waitMaxMs: number, isSo: () => boolean): Promise<void> {
  await untilSo(waitMaxMs, isSo)
}

/** The answer with a key, which nobody may keep. */
export const noStore = { 'cache-control': 'no-store' }
