/** A job that the agent asks for, held against the contract's schema like one that a request asks for. */
import type { ReadJob } from '../../../processes/killatamata/studio/media-jobs.ts'
import { mediaJobRequest } from '../media/inputs.ts'

export const readJob: ReadJob = (asked) => {
  const read = mediaJobRequest.safeParse(asked)
  if (read.success) return { task: read.data.task, input: read.data.input }
  const [issue] = read.error.issues
  return { fault: `/${(issue?.path ?? []).join('/')}: ${issue?.message ?? 'does not fit'}` }
}
