/** What an instance answers to a command line that acts as one of its callers: what it refuses ends the command with its sentence. */
import { type Answered, ApiProblem, type DataOf, unwrap } from '@opslog/client'
import { CliError, EXIT } from './terminal.ts'

/** What the API answers. Throws CliError (refused) with what it says where it refuses. */
export async function accepted<A extends Answered<unknown, unknown>>(call: Promise<A>): Promise<DataOf<A>> {
  try {
    return await unwrap(call)
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const { status, code, title, message } = error
    throw new CliError(EXIT.refused, `the instance answers ${status} ${code}: ${title}: ${message}`)
  }
}
