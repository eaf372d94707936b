/** Under which key an object lies: what clients send, what is inspected, what is delivered. No part comes from outside. */
import type { Environment } from '../../events/firsthand/vocabulary.ts'

interface OfJob {
  organizationId: string
  environment: Environment
  jobId: string
}

const keyOf =
  (kind: 'uploads' | 'originals' | 'files') =>
  ({ organizationId, environment, jobId }: OfJob, id: string): string =>
    `${kind}/${environment}/${organizationId}/${jobId}/${id}`

/** What a client sends by a link; `id` is that of the upload. */
export const uploadKeyOf = keyOf('uploads')
/** What is inspected: no link was ever made for it. `id` is that of the file. */
export const originalKeyOf = keyOf('originals')
/** What the buyer gets, by links. `id` is that of the file. */
export const fileKeyOf = keyOf('files')
