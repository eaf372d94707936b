/**
 * Things that come and go all the time. A Set is wrong for them: each time its table fills with what was deleted, V8 makes
 * a new one, and the old one keeps a link to it for iterators; once a table has reached the old generation, each holds
 * the next one and everything in it until a full collection (measured: every request survived for that long, and
 * scavenges took an eighth of the time).
 */
export interface InFlightList<Item> {
  /** Returns what takes it out again. */
  add(item: Item): () => void
  items(): Item[]
  size(): number
}

export function createInFlightList<Item>(): InFlightList<Item> {
  const places: { item: Item; index: number }[] = []
  return {
    add(item) {
      const place = { item, index: places.length }
      places.push(place)
      return () => {
        const last = places[places.length - 1]!
        if (places[place.index] !== place) return
        places[place.index] = last
        last.index = place.index
        places.pop()
      }
    },
    items: () => places.map(({ item }) => item),
    size: () => places.length,
  }
}
