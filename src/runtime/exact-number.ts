/** Which numbers of JSON a double holds digit by digit, and which it rounds. */

/** Every double holds a number of this many digits as written. */
export const SAFE_DIGITS = 15

/** Whether a double holds the number as it is written, in JSON; `value`: that double. */
export const isExact = (source: string, value = Number(source)): boolean =>
  isShort(source) || (Number.isFinite(value) && isSame(source, String(value)))

/** Whether two texts of JSON are the same number, digit by digit: `0.50e1` and `5` are. */
function isSame(left: string, right: string): boolean {
  if (left === right) return true
  const [one, other] = [digitsOf(left), digitsOf(right)]
  const isZero = one.digits === '' && other.digits === ''
  return (
    isZero || (one.power === other.power && one.digits === other.digits && (left[0] === '-') === (right[0] === '-'))
  )
}

/** A number without its sign as whole digits, without zeros at either end, times a power of ten. */
function digitsOf(text: string): { digits: string; power: number } {
  const start = text[0] === '-' ? 1 : 0
  const mark = Math.max(text.indexOf('e'), text.indexOf('E'))
  const end = mark === -1 ? text.length : mark
  const found = text.indexOf('.')
  const point = found === -1 ? end : found
  const all = text.slice(start, point) + text.slice(point + 1, end)
  let [first, last] = [0, all.length]
  while (first < last && all.charCodeAt(first) === ZERO) first++
  while (last > first && all.charCodeAt(last - 1) === ZERO) last--
  if (first === last) return { digits: '', power: 0 }
  const fraction = Math.max(0, end - point - 1)
  const exponent = mark === -1 ? 0 : Number(text.slice(mark + 1))
  return { digits: all.slice(first, last), power: exponent - fraction + all.length - last }
}

const ZERO = 0x30

/** Of so few digits, and so near to 1, that the double nearest to it is written the same. */
const isShort = (source: string): boolean => source.length <= SAFE_DIGITS && /^-?\d+(\.\d+)?$/.test(source)
