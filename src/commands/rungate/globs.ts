/**
 * Globs over whole names of models and tools: `*` any text, `?` one character, `[a-z]` and `[!a-z]` one of or none of these,
 * `{a,b}` either, `\` takes the next character as it is. Case does not count, and a slash is a character like any other. A name
 * is read once, whatever the glob: all that may come next is followed at the same time, and nothing is tried twice. Libraries
 * that make a regular expression of a glob take seconds for some of 30 characters.
 */

/** What one state of a glob takes, and the states after it. `split` takes nothing. */
interface State {
  takes: 'split' | 'any' | ((letter: string) => boolean)
  next: number[]
}

interface Glob {
  states: State[]
  /** Where reading begins, and the state in which a name has matched. */
  start: number
  end: number
}

/** Finds the first of the globs that a name matches; undefined: none. */
export type Matcher = (name: string) => string | undefined

const matchers = new WeakMap<readonly string[], Matcher>()

/** The matcher of a list, made once for as long as the list is kept; the list is not changed. */
export function matcherOf(globs: readonly string[]): Matcher {
  const known = matchers.get(globs)
  if (known) return known
  const compiled = globs.map((text) => ({ text, matches: compile(text) }))
  const matcher: Matcher = (name) => {
    const folded = name.toLowerCase()
    return compiled.find(({ matches }) => matches(folded))?.text
  }
  matchers.set(globs, matcher)
  return matcher
}

/** Whether the name, in lower case, is one that the glob means. */
function compile(text: string): (folded: string) => boolean {
  const folded = text.toLowerCase()
  if (!/[*?[{\\]/.test(folded)) return (name) => name === folded
  // The usual form: a beginning, and anything after it.
  const beginning = folded.slice(0, -1)
  if (folded.endsWith('*') && !/[*?[{\\]/.test(beginning)) return (name) => name.startsWith(beginning)
  const glob = globOf([...folded])
  return (name) => isMatch(glob, name)
}

/** The states that stand next, all at once: at most as many as the glob has. */
function isMatch({ states, start, end }: Glob, name: string): boolean {
  let at = new Set<number>()
  enter(states, start, at)
  for (const letter of name) {
    const after = new Set<number>()
    for (const index of at) {
      const { takes, next } = states[index]!
      if (takes === 'split' || (takes !== 'any' && !takes(letter))) continue
      for (const following of next) enter(states, following, after)
    }
    if (after.size === 0) return false
    at = after
  }
  return at.has(end)
}

/** Adds a state and all that can be reached from it without a letter. */
function enter(states: readonly State[], index: number, into: Set<number>): void {
  const waiting = [index]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (into.has(next)) continue
    into.add(next)
    const { takes, next: following } = states[next]!
    if (takes === 'split') waiting.push(...following)
  }
}

/** An opened brace: where its parts begin, and where the finished ones end. */
interface Brace {
  start: number
  ends: number[]
}

/** Builds the states from left to right. A brace that is never closed, or closed without being open, stands for itself. */
function globOf(letters: readonly string[]): Glob {
  const states: State[] = [{ takes: 'split', next: [] }]
  const braces: Brace[] = []
  const closing = closedBraces(letters)
  let last = 0
  const add = (takes: State['takes']): number => states.push({ takes, next: [] }) - 1
  const append = (takes: State['takes']): void => {
    const index = add(takes)
    states[last]!.next.push(index)
    last = index
    // What takes a letter is left through a state of its own, so that several ways can lead on from it.
    if (takes !== 'split') append('split')
  }
  for (let at = 0; at < letters.length; at++) {
    const letter = letters[at]!
    const brace = braces.at(-1)
    const list = letter === '[' ? listAt(letters, at) : undefined
    if (letter === '*') {
      append('split')
      const loop = add('any')
      states[last]!.next.push(loop)
      states[loop]!.next.push(last)
    } else if (letter === '?') append('any')
    else if (list) {
      append(list.takes)
      at = list.end
    } else if (letter === '{' && closing.has(at)) {
      append('split')
      braces.push({ start: last, ends: [] })
      append('split')
    } else if (letter === ',' && brace) {
      brace.ends.push(last)
      last = brace.start
      append('split')
    } else if (letter === '}' && brace) {
      const end = add('split')
      for (const each of [...brace.ends, last]) states[each]!.next.push(end)
      last = end
      braces.pop()
    } else {
      const own = letter === '\\' && at + 1 < letters.length ? letters[++at]! : letter
      append((given) => given === own)
    }
  }
  return { states, start: 0, end: last }
}

/** The opening braces that have a closing one. */
function closedBraces(letters: readonly string[]): ReadonlySet<number> {
  const open: number[] = []
  const closed = new Set<number>()
  for (let at = 0; at < letters.length; at++) {
    if (letters[at] === '\\') at += 1
    else if (letters[at] === '[') at = listAt(letters, at)?.end ?? at
    else if (letters[at] === '{') open.push(at)
    else if (letters[at] === '}') {
      const begun = open.pop()
      if (begun !== undefined) closed.add(begun)
    }
  }
  return closed
}

/** The letters in brackets that begin here, and where they end; undefined where nothing closes them. */
function listAt(
  letters: readonly string[],
  start: number,
): { takes: (letter: string) => boolean; end: number } | undefined {
  const isExcept = letters[start + 1] === '!' || letters[start + 1] === '^'
  const from = start + (isExcept ? 2 : 1)
  // A bracket that stands first is one of the letters.
  const end = letters.indexOf(']', from + 1)
  if (end === -1) return undefined
  const ranges: [string, string][] = []
  for (let at = from; at < end; at++) {
    const isRange = letters[at + 1] === '-' && at + 2 < end
    ranges.push([letters[at]!, letters[isRange ? at + 2 : at]!])
    if (isRange) at += 2
  }
  return { takes: (letter) => ranges.some(([low, high]) => letter >= low && letter <= high) !== isExcept, end }
}
