import { concat, encodeAbiParameters } from 'viem/utils'
import { expect, it } from 'vitest'
import { errors } from '../../../src/adapters/chain/abi/v3.ts'
import { revertFrom } from '../../../src/adapters/chain/reverts.ts'

const trader = '0x00000000000000000000000000000000000A11cE'
const text = (reason: string) => concat(['0x08c379a0', encodeAbiParameters([{ type: 'string' }], [reason])])

it('a custom error has its name, and its arguments as they are read', () => {
  const { selector, inputs } = errors.NoTradeFound
  const data = concat([selector, encodeAbiParameters(inputs, [trader, 65_535, 255])])
  expect(revertFrom(data)).toEqual({
    ...{ name: 'NoTradeFound', args: [trader, '65535', '255'], selector },
    text: `refused with NoTradeFound(${trader}, 65535, 255)`,
  })
  expect(revertFrom(errors.WrongTP.selector.toUpperCase().replace('0X', '0x'))).toMatchObject({
    name: 'WrongTP',
    args: [],
  })
})

it.each([undefined, '0x', '0x1234'])('%s is a refusal without a reason', (data) => {
  expect(revertFrom(data)).toEqual({ name: null, args: [], selector: null, text: 'refused without a reason' })
})

it('an error that no table has is named by its selector', () => {
  expect(revertFrom('0xdeadbeef0000')).toEqual({
    ...{ name: null, args: [], selector: '0xdeadbeef', text: 'refused with the error 0xdeadbeef' },
  })
})

it('so is one whose arguments do not fit', () => {
  expect(revertFrom(`${errors.NoTradeFound.selector}00`)).toMatchObject({ name: null, selector: '0x17e08e97' })
})

it('a text of the contract is cut, and has no control characters', () => {
  const long = revertFrom(text(`line one\nline two\u0000\u202e${'x'.repeat(5_000)}`))
  expect(long.name).toBe('Error')
  expect(long.args[0]).toMatch(/^line one line two x+$/)
  expect([long.args[0]?.length, long.text.length]).toEqual([200, 200])
})

it('a fault of the contract has its code', () => {
  const data = concat(['0x4e487b71', encodeAbiParameters([{ type: 'uint256' }], [0x11n])])
  expect(revertFrom(data)).toMatchObject({ name: 'Panic', args: ['17'] })
})
