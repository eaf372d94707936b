/** What a provider of media is asked for and what it answers with: tasks, inputs as files, and the files that come of them. */

/** A picture's, a clip's or a sound's. */
export interface FileMeasures {
  width?: number
  height?: number
  durationMs?: number
  frames?: number
}

/** An input that is here, as a file whose type was found in its bytes. */
export interface InputFile {
  field: string
  index: number
  path: string
  mimeType: string
  /** Its field takes several. */
  isList?: boolean
}

export interface RenderOrder {
  task: string
  /** Complete: defaults filled in. */
  input: Readonly<Record<string, unknown>>
  inputs: readonly InputFile[]
  /** Where the files are to be written, under these names. */
  directory: string
  outputNames: readonly string[]
}

export interface RenderedFile {
  name: string
  path: string
  mimeType: string
  sizeBytes: number
  sha256: string
  measures: FileMeasures
}

export const failureCodes = ['input_unusable', 'provider_failed', 'provider_timeout', 'content_refused'] as const
export type FailureCode = (typeof failureCodes)[number]

/** The work came to an end that another attempt would not change. */
export class RenderFailed extends Error {
  override name = 'RenderFailed'
  readonly code: FailureCode
  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Nobody knows whether the work was taken: it may be under way at the provider, and be paid for. */
export class SubmissionUnknown extends Error {
  override name = 'SubmissionUnknown'
}

export interface ProviderJob {
  /** Of the house: the same for every attempt. */
  requestId: string
  attempt: number
  order: RenderOrder
}

export type Progress =
  | { status: 'running' }
  | { status: 'done'; files: readonly RenderedFile[] }
  | { status: 'failed'; code: FailureCode; message: string }

/** Who makes media. A ref names work that was begun. */
export interface MediaProvider {
  readonly name: string
  readonly tasks: readonly string[]
  /** Whether its refs outlive this process: they are recorded then, and asked for again after a crash. */
  readonly isDurable: boolean
  /** Throws RenderFailed where it is refused for good; a durable one also SubmissionUnknown. */
  submit(job: ProviderJob, signal: AbortSignal): Promise<{ ref: string }>
  /** The ref of work that a durable one's queue knows by this id; undefined: there is no such id. */
  refOf?(task: string, id: string): string | undefined
  /** Resolves as soon as there is an end, and after a while without one. */
  poll(ref: string, job: ProviderJob, signal: AbortSignal): Promise<Progress>
  cancel(ref: string): Promise<void>
}
