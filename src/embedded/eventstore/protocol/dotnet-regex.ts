/**
 * The filters' regular expressions are .NET's. This turns one into JavaScript's, with the same matches, or says that it
 * cannot: an expression that means something else here would pass events over in silence.
 */

type Options = { i: boolean; m: boolean; s: boolean; n: boolean; x: boolean }
/** An open group: what closes it, the options outside it, and how many times the `i` of its inside was switched. */
type Group = { close: string; outside: Options; switches: string[] }

const WORD = '[\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}]'
const NO_WORD = '[^\\p{L}\\p{Mn}\\p{Nd}\\p{Pc}]'
const AT_END = '(?![\\s\\S])'
const BEFORE_LAST_NEWLINE = `(?=\\n?${AT_END})`

/** What the escapes of .NET that stand for a place or a set are here. */
const PLACES: Record<string, string> = {
  A: '^',
  G: '^',
  z: AT_END,
  Z: BEFORE_LAST_NEWLINE,
  b: `(?:(?<=${WORD})(?!${WORD})|(?<!${WORD})(?=${WORD}))`,
  B: `(?:(?<=${WORD})(?=${WORD})|(?<!${WORD})(?!${WORD}))`,
}
const SETS: Record<string, string> = { d: '\\p{Nd}', D: '\\P{Nd}', w: WORD, W: NO_WORD, s: '\\s', S: '\\S' }
const CHARACTERS: Record<string, number> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13, e: 27 }
const BLOCKS: Record<string, string> = {
  IsBasicLatin: '\\u0000-\\u007f',
  'IsLatin-1Supplement': '\\u0080-\\u00ff',
  'IsLatinExtended-A': '\\u0100-\\u017f',
  'IsLatinExtended-B': '\\u0180-\\u024f',
  IsGreek: '\\u0370-\\u03ff',
  IsGreekandCoptic: '\\u0370-\\u03ff',
  IsCyrillic: '\\u0400-\\u04ff',
}
const CATEGORY = /^(?:L[ultmo]?|M[nce]?|N[dlo]?|P[cdseifo]?|S[mcko]?|Z[slp]?|C[cfson]?)$/

const literal = (code: number): string => `\\u{${code.toString(16)}}`

class Translation {
  private at = 0
  private out = ''
  private readonly source: string
  private options: Options = { i: false, m: false, s: false, n: false, x: false }
  private groups: Group[] = [{ close: '', outside: { ...this.options }, switches: [] }]
  private captures = 0
  private named = 0
  private highestReference = 0

  constructor(source: string) {
    this.source = source
  }

  run(): string {
    while (this.at < this.source.length) this.step()
    if (this.groups.length > 1) throw new SyntaxError('a group is not closed')
    this.closeGroup()
    if (this.highestReference > this.captures) throw new SyntaxError('it refers to a group that it does not have')
    if (this.highestReference > 0 && this.named > 0) throw this.unsupported('numbered references beside named groups')
    return this.out
  }

  private unsupported(what: string): SyntaxError {
    return new SyntaxError(`this server does not know ${what}`)
  }

  /** Takes what matches here, and moves behind it. */
  private take(pattern: RegExp): RegExpExecArray | undefined {
    const sticky = new RegExp(pattern.source, `${pattern.flags}y`)
    sticky.lastIndex = this.at
    const found = sticky.exec(this.source)
    if (!found) return undefined
    this.at = sticky.lastIndex
    return found
  }

  private step(): void {
    if (this.options.x && this.take(/\s+|#[^\n]*/u)) return
    const quantifier = this.take(/(?:[*+?]|\{\d+(?:,\d*)?\})\??/u)
    if (quantifier) this.out += quantifier[0]
    else if (this.take(/\\/u)) this.out += this.escape()
    else if (this.take(/\[/u)) this.out += this.set()
    else if (this.take(/\(/u)) this.openGroup()
    else if (this.take(/\)/u)) {
      if (this.groups.length === 1) throw new SyntaxError('a group is closed that was not opened')
      this.closeGroup()
    } else if (this.take(/\|/u)) this.alternative()
    else if (this.take(/\./u)) this.out += this.options.s ? '[\\s\\S]' : '[^\\n]'
    else if (this.take(/\^/u)) this.out += this.options.m ? '(?<![^\\n])' : '^'
    else if (this.take(/\$/u)) this.out += this.options.m ? '(?![^\\n])' : BEFORE_LAST_NEWLINE
    else this.out += literal(this.take(/[\s\S]/u)![0].codePointAt(0)!)
  }

  /** The switches of the group hold for its other alternatives too. */
  private alternative(): void {
    const { switches } = this.groups.at(-1)!
    this.out += `${')'.repeat(switches.length)}|${switches.join('')}`
  }

  private closeGroup(): void {
    const group = this.groups.pop()!
    this.out += ')'.repeat(group.switches.length) + group.close
    this.options = group.outside
  }

  private begin(open: string, close = ')', options: Options = this.options): void {
    this.groups.push({ close, outside: this.options, switches: [] })
    this.options = { ...options }
    this.out += open
  }

  private openGroup(): void {
    const name = this.take(/\?(?:<([\p{L}_][\p{L}\p{Nd}_]*)>|'([\p{L}_][\p{L}\p{Nd}_]*)')/u)
    const inline = name ? undefined : this.take(/\?([imnsx]*)(?:-([imnsx]*))?([:)])/u)
    if (name) {
      this.named++
      this.captures++
      this.begin(`(?<${name[1] ?? name[2]}>`)
    } else if (inline) this.switchOptions(inline)
    else if (this.take(/\?#[^)]*\)/u)) return
    else if (this.take(/\?>/u)) {
      const atomic = `atomic${++this.named}_`
      this.captures++
      this.begin(`(?:(?=(?<${atomic}>`, `))\\k<${atomic}>)`)
    } else if (this.at < this.source.length && this.source[this.at] === '?') {
      const around = this.take(/\?(?:=|!|<=|<!)/u)
      if (!around) throw this.unsupported(`the group (${this.source.slice(this.at, this.at + 3)}`)
      this.begin(`(${around[0]}`)
    } else if (this.options.n) this.begin('(?:')
    else {
      this.captures++
      this.begin('(')
    }
  }

  private switchOptions([, on = '', off = '', end]: RegExpExecArray): void {
    const changed = { ...this.options }
    for (const option of on) changed[option as keyof Options] = true
    for (const option of off) changed[option as keyof Options] = false
    const open = changed.i === this.options.i ? '(?:' : changed.i ? '(?i:' : '(?-i:'
    if (end === ':') {
      this.begin(open, ')', changed)
      return
    }
    this.options = changed
    if (open === '(?:') return
    this.groups.at(-1)!.switches.push(open)
    this.out += open
  }

  private escape(): string {
    const reference = this.take(/[1-9]\d*/u)
    if (reference) {
      this.highestReference = Math.max(this.highestReference, Number(reference[0]))
      return `(?:\\${reference[0]})`
    }
    const name = this.take(/k(?:<(\w+)>|'(\w+)')/u)
    if (name) return `\\k<${name[1] ?? name[2]}>`
    const place = this.take(/[AGzZbB]/u)
    return place ? PLACES[place[0]]! : (this.escapedSet() ?? literal(this.escapedCharacter()))
  }

  private escapedSet(): string | undefined {
    const set = this.take(/[dDwWsS]/u)
    if (set) return SETS[set[0]]
    const property = this.take(/([pP])\{([^}]*)\}/u)
    if (!property) return undefined
    const [, kind, name] = property
    if (CATEGORY.test(name!)) return `\\${kind}{${name}}`
    const block = BLOCKS[name!]
    if (!block) throw this.unsupported(`the characters \\p{${name}}`)
    return kind === 'p' ? `[${block}]` : `[^${block}]`
  }

  private escapedCharacter(): number {
    const hex = this.take(/x([0-9a-f]{2})|u([0-9a-f]{4})|X([0-9a-f]{2})|U([0-9a-f]{4})/iu)
    if (hex) {
      if (/^[XU]/.test(hex[0])) throw new SyntaxError(`\\${hex[0][0]} is no escape`)
      return Number.parseInt(hex[0].slice(1), 16)
    }
    const octal = this.take(/0[0-7]{0,2}/u)
    if (octal) return Number.parseInt(octal[0], 8)
    const control = this.take(/c([@-_a-z])/u)
    if (control) return control[1]!.toUpperCase().charCodeAt(0) - 64
    const named = this.take(/[abtnvfre]/u)
    if (named) return CHARACTERS[named[0]]!
    const other = this.take(/[^\p{L}\p{Mn}\p{Nd}\p{Pc}]/u)
    if (!other) throw new SyntaxError(`\\${this.source.slice(this.at, this.at + 1)} is no escape`)
    return other[0].codePointAt(0)!
  }

  /** The inside of square brackets, up to the closing one. A bracket that comes first stands for itself. */
  private set(): string {
    const negation = this.take(/\^/u) ? '^' : ''
    let items = ''
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst && this.take(/\]/u)) return `[${negation}${items}]`
      if (!isFirst && this.take(/-\[/u)) {
        const subtracted = this.set()
        if (!this.take(/\]/u)) throw new SyntaxError('a subtraction must come last in a character class')
        return `[[${negation}${items}]--${subtracted}]`
      }
      if (this.take(/\\(?=[dDwWsSpP])/u)) {
        const set = this.escapedSet()
        if (set === undefined) throw new SyntaxError('a character class has an escape that is none')
        items += set
        continue
      }
      const from = this.setCharacter()
      const isRange = this.take(/-(?![\][])/u)
      items += isRange ? `${literal(from)}-${literal(this.setCharacter())}` : literal(from)
    }
  }

  private setCharacter(): number {
    if (this.take(/\\/u)) return this.escapedCharacter()
    const character = this.take(/[\s\S]/u)
    if (!character) throw new SyntaxError('a character class is not closed')
    return character[0].codePointAt(0)!
  }
}

/**
 * Compiles a regular expression of .NET.
 * @throws {SyntaxError} where it is none, or uses what has no counterpart here.
 */
export function compileDotnetExpression(source: string): RegExp {
  return new RegExp(new Translation(source).run(), 'v')
}
