/** A payment provider that does not answer, or that there is none, is 503 with the reason: the request is to be sent again. */
import { PaymentsUnavailable } from '../../../adapters/payments/payments.ts'
import { Problem } from '../../errors.ts'

export async function orUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof PaymentsUnavailable)) throw cause
    throw new Problem('dependency_unavailable', cause.message, { cause })
  }
}
