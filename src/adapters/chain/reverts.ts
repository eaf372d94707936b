/** What a refused call came back with, in words. */
import { decodeAbiParameters, slice } from 'viem/utils'
import { accountErrors } from './abi/account.ts'
import { errors } from './abi/v3.ts'
import { printable } from './printable.ts'

type Hex = `0x${string}`

export interface Revert {
  /** Of a custom error in the tables, `Error` for a text and `Panic` for a fault of the contract; null: unknown, or none. */
  name: string | null
  /** Decimal numbers, checksummed addresses. */
  args: string[]
  selector: Hex | null
  /** One sentence, printable, of at most 200 characters. */
  text: string
}

/** The call was carried out and reverted, so that the chain would refuse it. */
export class CallReverted extends Error {
  override name = 'CallReverted'
  readonly revert: Revert

  constructor(revert: Revert) {
    super(revert.text)
    this.revert = revert
  }
}

type Parameters = readonly { name: string; type: string }[]
interface Known {
  name: string
  inputs: Parameters
}

const builtIn = {
  Error: { selector: '0x08c379a0', inputs: [{ name: 'reason', type: 'string' }] },
  Panic: { selector: '0x4e487b71', inputs: [{ name: 'code', type: 'uint256' }] },
} as const

const table = new Map<string, Known>(
  [errors, accountErrors, builtIn].flatMap((each) =>
    Object.entries(each).map(([name, { selector, inputs }]): [string, Known] => [selector, { name, inputs }]),
  ),
)

/** Of an error as of a function: the first four bytes of its signature's hash. */
const SELECTOR_BYTES = 4

/** `data`: what the call reverted with; a node that does not hand it over, and a contract that says nothing, give `0x`. */
export function revertFrom(data: string | undefined): Revert {
  const hex = (data ?? '0x').toLowerCase() as Hex
  if (hex.length < 2 + 2 * SELECTOR_BYTES) {
    return { name: null, args: [], selector: null, text: 'refused without a reason' }
  }
  const selector = slice(hex, 0, SELECTOR_BYTES)
  const known = table.get(selector)
  const args = known && argsOf(known.inputs, hex)
  if (!known || !args) return { name: null, args: [], selector, text: `refused with the error ${selector}` }
  const { name } = known
  const words = args.map(printable)
  if (known.name === 'Error') return { name, args: words, selector, text: printable(`refused: ${words[0]}`) }
  return { name, args: words, selector, text: printable(`refused with ${name}(${words.join(', ')})`) }
}

function argsOf(inputs: Parameters, hex: Hex): string[] | undefined {
  if (inputs.length === 0) return []
  try {
    return decodeAbiParameters(inputs, slice(hex, SELECTOR_BYTES)).map(String)
  } catch {
    // The selector is a known one by chance, or the contract is broken.
    return undefined
  }
}
