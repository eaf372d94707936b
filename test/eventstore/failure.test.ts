/** What errors mean, in the words that a real EventStoreDB and grpc-js use for them. */
import { describe, expect, it } from 'vitest'
import { SilentStore } from '../../src/eventstore/connection.ts'
import { failureOf } from '../../src/eventstore/failure.ts'

const kindOf = (error: unknown) => failureOf(error).kind
const reasonOf = (error: unknown) => failureOf(error).reason
const grpcError = (code: number, details: string) => Object.assign(new Error(`${code} ${details}`), { code, details })

describe('an error', () => {
  it('of a read of the log from a position that no event has is distinguished', () => {
    expect(kindOf(grpcError(2, 'Unexpected ReadAllResult: Error'))).toBe('unknownPosition')
    expect(kindOf(grpcError(2, 'Exception was thrown by handler.'))).toBe('unknownPosition')
    expect(kindOf(grpcError(14, 'Connection dropped'))).toBe('away')
    expect(kindOf(new Error('Unexpected ReadAllResult: Error'))).toBe('other')
  })

  it('of a store that is away differs from one about a missing right', () => {
    for (const code of [1, 4, 14]) expect(kindOf(grpcError(code, 'X'))).toBe('away')
    for (const code of [7, 16]) expect(kindOf(grpcError(code, 'X'))).toBe('denied')
    expect(kindOf(new Error('Failed to discover after 10 attempts.'))).toBe('away')
    expect(kindOf(new SilentStore(100))).toBe('away')
    expect(kindOf(grpcError(9, 'stream s is deleted'))).toBe('deleted')
  })

  it('has a reason, whatever it says of itself', () => {
    expect(reasonOf(new Error('14 UNAVAILABLE: no address'))).toBe('14 UNAVAILABLE: no address')
    expect(reasonOf(new Error(':'))).toBe('Error without a reason')
    expect(reasonOf(Object.assign(new Error(''), { code: 'ECONNRESET' }))).toBe('Error ECONNRESET')
    expect(reasonOf(new AggregateError([new Error('one'), new Error('two')], ''))).toBe('one; two')
    expect(reasonOf(new Error(' :', { cause: new Error('the true reason') }))).toBe('the true reason')
    expect(reasonOf('plain words')).toBe('plain words')
    expect(reasonOf(undefined)).toBe('error without a reason')
  })
})
