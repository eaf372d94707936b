/** Files that cannot be stored now: the request is to be sent again. */
import { ObjectStoreUnavailable } from '../../adapters/object-store/object-store.ts'
import { Problem } from '../errors.ts'

/** Throws a Problem (503) where the object store is away. */
export async function orStoreAway<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (!(cause instanceof ObjectStoreUnavailable)) throw cause
    throw new Problem('dependency_unavailable', 'Files cannot be stored now; send the request again.', { cause })
  }
}
