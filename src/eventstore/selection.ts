/** What a read asks for, in words of this project instead of the protocol. */

/** What is read: a stream, or where none is named the whole log ($all), from a place on, in one direction. */
export interface Selection {
  stream?: string
  /**
   * The first event that is given: of a stream its revision, of the log the position of an event. The log cannot be read
   * from a position that no event has.
   */
  from: bigint | 'start' | 'end'
  direction: 'forwards' | 'backwards'
  /** Events at most; undefined: as many as there are. */
  count?: bigint
}
