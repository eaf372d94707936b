/** Reads a job on schedule, in a process that has nothing else to do: what the load collects of garbage would hold up its own reads. */
import { answerParent } from '../child.ts'
import { call } from '../instance.ts'
import { pace } from '../measure.ts'

export interface ReadingOrder {
  url: string
  apiKey: string
  perSecond: number
  seconds: number
}

/** Before it is measured. */
const WARM_UP_S = 1

answerParent(async ({ url, apiKey, perSecond, seconds }: ReadingOrder) => {
  const read = async () => void (await call('GET', url, { apiKey, expect: [200] }))
  await pace(perSecond, WARM_UP_S, read)
  return pace(perSecond, seconds, read)
})
