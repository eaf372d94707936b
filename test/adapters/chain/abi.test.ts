/** The tables of functions, errors and events: their hashes are those of their signatures, and our contracts have them all. */
import type { AbiEvent, AbiFunction } from 'viem'
import { toEventSelector, toFunctionSelector } from 'viem/utils'
import { describe, expect, it } from 'vitest'
import { accountErrors, accountFunctions, factoryFunctions } from '../../../src/adapters/chain/abi/account.ts'
import { errors, events, functions } from '../../../src/adapters/chain/abi/v3.ts'
import { type ContractName, readArtifacts } from '../../../src/embedded/market/artifacts.ts'

const artifacts = readArtifacts()

type Entry = { inputs: readonly unknown[] }
const asFunction = (name: string, { inputs }: Entry) =>
  ({ type: 'function', name, inputs, outputs: [], stateMutability: 'view' }) as unknown as AbiFunction
const asEvent = (name: string, { inputs }: Entry) => ({ type: 'event', name, inputs }) as unknown as AbiEvent
/** An error is hashed as a function of its name is. */
const selectorsOf = (table: Record<string, Entry & { selector: string }>) =>
  Object.entries(table).map(([name, entry]) => [name, entry.selector, toFunctionSelector(asFunction(name, entry))])

/** Types of parameters, those of tuples too, with `indexed`: what the chain knows of them. */
interface Parameter {
  type: string
  indexed?: boolean
  components?: readonly Parameter[]
}
const shape = (parameters: readonly Parameter[]): unknown[] =>
  parameters.map(({ type, indexed = false, components = [] }) => [type, indexed, shape(components)])

function compiled(contract: ContractName, type: 'function' | 'error' | 'event', name: string) {
  const found = artifacts[contract].abi.find((item) => item.type === type && 'name' in item && item.name === name)
  return found as AbiFunction
}

const contractOf = { trading: 'Trading', tradingStorage: 'TradingStorage', usdc: 'Usdc' } as const

describe('the tables', () => {
  it.each([
    ['functions', functions],
    ['errors', errors],
    ['functions of accounts', accountFunctions],
    ['functions of the factory', factoryFunctions],
    ['errors of accounts', accountErrors],
  ])('have the selectors of their %s', (_, table) => {
    for (const [name, selector, computed] of selectorsOf(table)) expect([name, selector]).toEqual([name, computed])
  })

  it('have the topics of their events', () => {
    const topics = Object.entries(events).map(([name, event]) => [name, event.topic])
    const computed = Object.entries(events).map(([name, event]) => [name, toEventSelector(asEvent(name, event))])
    expect(topics).toEqual(computed)
  })
})

describe('our contracts', () => {
  it.each(Object.entries(functions))('have the function %s', (name, { contract, inputs, outputs, stateMutability }) => {
    const found = compiled(contractOf[contract], 'function', name)
    expect(shape(found.inputs)).toEqual(shape(inputs))
    expect(found.stateMutability).toBe(stateMutability)
    const answers = stateMutability === 'view' ? shape(found.outputs) : []
    expect(answers).toEqual(shape(outputs))
  })

  it('have every error, in the storage where it asks for an order, else in Trading', () => {
    const of = (name: string) => (name === 'NoOpenLimitOrder' ? 'TradingStorage' : 'Trading')
    const found = Object.keys(errors).map((name) => [name, shape(compiled(of(name), 'error', name)?.inputs ?? [])])
    expect(found).toEqual(Object.entries(errors).map(([name, { inputs }]) => [name, shape(inputs)]))
  })

  it('have every event', () => {
    const found = Object.keys(events).map((name) => [name, shape(compiled('Trading', 'event', name).inputs)])
    expect(found).toEqual(Object.entries(events).map(([name, { inputs }]) => [name, shape(inputs)]))
  })

  it('have accounts and a factory as the tables say', () => {
    for (const [name, { inputs }] of Object.entries(accountFunctions))
      expect([name, shape(compiled('AgentAccount', 'function', name).inputs)]).toEqual([name, shape(inputs)])
    for (const [name, { inputs }] of Object.entries(factoryFunctions))
      expect([name, shape(compiled('AgentFactory', 'function', name).inputs)]).toEqual([name, shape(inputs)])
    for (const [name, { inputs }] of Object.entries(accountErrors))
      expect([name, shape(compiled('AgentAccount', 'error', name).inputs)]).toEqual([name, shape(inputs)])
  })
})
