/** The event store cannot be reached, or did not say what became of an append. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}
