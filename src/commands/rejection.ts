/**
 * Refusals of commands. Domain code throws a Rejected with a code of its context and never knows a status number. The
 * context's error table (http/<context>/errors.ts) gives each code its status; a missing one does not compile.
 */

/** Codes of the refusals that the handling of commands itself makes, in every context. */
export type KernelRejectionCode =
  /** The key was used before, for a request with other facts. */
  | 'idempotency_key_reused'
  /** The stream kept moving while the command was decided; nothing was written. */
  | 'concurrent_change'

/**
 * How kernel parts that several contexts use refuse: by the class of the context, whose codes are those of its error
 * table. A context that lacks one of them does not compile.
 */
export type RejectedBy<Code extends string> = new (code: Code, detail: string, pointer?: string) => Rejected<string>

/** A broken rule that needs no event. `detail` is a sentence for the caller; `pointer` names the field. */
export class Rejected<Code extends string = string> extends Error {
  override name = 'Rejected'
  readonly code: Code
  readonly pointer: string | undefined
  constructor(code: Code, detail: string, pointer?: string) {
    super(detail)
    this.code = code
    this.pointer = pointer
  }
}
