/**
 * A wait until something is so in this process. What many wait for is looked at together, by one timer: hundreds of requests
 * with a timer each would keep the event loop from others.
 */
import { createInFlightList } from './in-flight.ts'

/** Between two looks. */
const LOOK_MS = 2

/** One for each that waits. */
const looks = createInFlightList<(nowMs: number) => void>()
let timer: NodeJS.Timeout | undefined

/** True as soon as it is so; false where that takes longer than `waitMaxMs`. Rejects with what `isSo` throws. */
export async function untilSo(waitMaxMs: number, isSo: () => boolean): Promise<boolean> {
  if (isSo()) return true
  const deadlineMs = performance.now() + waitMaxMs
  const { promise, resolve, reject } = Promise.withResolvers<boolean>()
  const leave = looks.add((nowMs) => {
    try {
      if (isSo()) resolve(true)
      else if (nowMs >= deadlineMs) resolve(false)
      else return
    } catch (error) {
      reject(error)
    }
    leave()
  })
  timer ??= setInterval(lookAround, LOOK_MS)
  return promise
}

function lookAround(): void {
  const nowMs = performance.now()
  for (const look of looks.items()) look(nowMs)
  if (looks.size() > 0) return
  clearInterval(timer)
  timer = undefined
}
