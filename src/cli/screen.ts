/**
 * The screen: how wide it is, text that fits on it, and a pager for what is longer than the window. Widths are columns of
 * the terminal, as cli-table3 counts them: wide characters take two, combining ones none.
 */
import { spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import Table from 'cli-table3'

/** A narrower window is treated as one of this width. */
const WIDTH_MIN = 10
const DEFAULT_PAGER = 'less -FRX'
/** As a shell says that it cannot run or find a program. */
const CANNOT_RUN = [126, 127]

/** COLUMNS where set, else the terminal's width, else undefined: nothing is cut for a pipe or a file. */
export function screenWidth(stream: { isTTY?: boolean; columns?: number } = process.stdout): number | undefined {
  const given = Number(process.env.COLUMNS)
  const width = Number.isSafeInteger(given) && given > 0 ? given : stream.isTTY ? stream.columns : undefined
  return width ? Math.max(WIDTH_MIN, width) : undefined
}

const NO_LINES = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '' },
  ...{ 'bottom-right': '', left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
}
const bare = { chars: NO_LINES, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } }

/** Characters that take one column each. */
const PLAIN = /^[\x20-\x7e\u2500-\u257f…–—‘’“”›]*$/u

/** Columns that a line takes; escapes of colours take none. */
export function widthOf(line: string): number {
  const text = stripVTControlCharacters(line)
  if (PLAIN.test(text)) return text.length
  const cell = new Table(bare)
  cell.push([text])
  cell.toString()
  return cell.options.colWidths[0] ?? 0
}

/** Text of which no line is wider; `undefined`: as it is. What stands behind a gap in a line is continued behind it. */
export function wrapped(text: string, width: number | undefined): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .flatMap((line) => (widthOf(line) <= width ? [line] : wrappedLine(line, width)))
    .join('\n')
}

/** Least share of the width that is worth continuing a line in. */
const HANGING_SHARE = 0.4

function wrappedLine(line: string, width: number): string[] {
  const [, indent = '', rest = ''] = /^(\s*)(.*)$/su.exec(line) ?? []
  const gap = /^(\S.*?\S|\S)(\s{2,})(\S.*)$/su.exec(rest)
  if (gap) {
    const [, name = '', space = '', value = ''] = gap
    const hanging = widthOf(indent + name + space)
    if (width - hanging >= width * HANGING_SHARE) {
      const [first = '', ...more] = broken(value, width - hanging)
      return [`${indent}${name}${space}${first}`, ...more.map((part) => ' '.repeat(hanging) + part)]
    }
    return [...wrappedLine(indent + name, width), ...indented(value, `${indent}    `, width)]
  }
  const [first = '', ...more] = broken(rest, Math.max(1, width - indent.length))
  if (more.length === 0) return [indent + first]
  return [indent + first, ...indented(more.join(' '), indent === '' ? '' : `${indent}  `, width)]
}

function indented(text: string, indent: string, width: number): string[] {
  const fitting = indent.length < width / 2 ? indent : ''
  return broken(text, width - fitting.length).map((part) => fitting + part)
}

/** Lines of at most this width, broken between words, and within a word that is wider alone. */
function broken(text: string, width: number): string[] {
  const words = text.replace(/\S+/gu, (word) => (widthOf(word) <= width ? word : pieces(word, width).join(' ')))
  const cell = new Table({ ...bare, colWidths: [width], wordWrap: true })
  cell.push([words])
  return cell
    .toString()
    .split('\n')
    .map((part) => part.trimEnd())
}

function pieces(word: string, width: number): string[] {
  const taken: string[] = []
  let piece = ''
  for (const { segment } of new Intl.Segmenter().segment(stripVTControlCharacters(word))) {
    if (piece !== '' && widthOf(piece + segment) > width) {
      taken.push(piece)
      piece = ''
    }
    piece += segment
  }
  return [...taken, piece]
}

const waiting: string[] = []

/** Keeps text for `printWaiting`, so that a pager holds no connection open. */
export const printLater = (text: string): void => void waiting.push(text)

/** Prints what was kept, through $PAGER where it is longer than the window. */
export function printWaiting(): void {
  const text = waiting.splice(0).join('')
  const pager = process.env.PAGER ?? DEFAULT_PAGER
  const isLong = process.stdout.isTTY === true && text.split('\n').length > (process.stdout.rows ?? Infinity)
  if (!isLong || pager === '' || !isPaged(pager, text)) process.stdout.write(text)
}

/** Whether the pager took the text. A reader who leaves it early has seen enough. */
function isPaged(pager: string, text: string): boolean {
  const { error, status } = spawnSync(pager, { shell: true, input: text, stdio: ['pipe', 'inherit', 'inherit'] })
  if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') return false
  return status === null || !CANNOT_RUN.includes(status)
}
