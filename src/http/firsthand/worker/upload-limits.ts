/** How large a file of each kind may be. */
import type { JobFacts } from '../../../events/firsthand/job.ts'

type Format = JobFacts['acceptedFormats'][number]

const MIB = 1_048_576
const BYTES_MAX: Readonly<Record<string, number>> = { image: 20 * MIB, audio: 50 * MIB, video: 200 * MIB }

/** In bytes, of one file of this type. */
export const bytesMaxOf = (format: Format): number => BYTES_MAX[format.slice(0, format.indexOf('/'))] ?? 0
