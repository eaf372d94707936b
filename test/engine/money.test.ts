import { describe, expect, test } from 'vitest'
import { clientOrderUuid, uuidFrom } from '../../src/engine/ids.ts'
import { decimal, fitsCurrency, moneyText, plainText, priceText } from '../../src/engine/money.ts'

describe('money', () => {
  test.each([
    ['2.345', 'USD', '2.34'],
    ['2.355', 'USD', '2.36'],
    ['-2.345', 'USD', '-2.34'],
    ['-0.001', 'USD', '0.00'],
    ['10', 'USD', '10.00'],
    ['110.5', 'JPY', '110'],
    ['111.5', 'JPY', '112'],
    ['123456789012345678901234567.895', 'EUR', '123456789012345678901234567.90'],
  ])('%s %s is written as %s: half to even, with the digits of its currency', (amount, currency, text) => {
    expect(moneyText(decimal(amount), currency)).toBe(text)
  })

  test('an unknown currency is an error, not two digits', () => {
    expect(() => moneyText(decimal('1'), 'XTS')).toThrow('no accounts are kept in XTS')
    expect(() => moneyText(decimal('1'), 'toString')).toThrow('no accounts are kept in toString')
  })

  test('fractions beyond the digits of a currency do not fit it', () => {
    expect(fitsCurrency(decimal('1.10'), 'USD')).toBe(true)
    expect(fitsCurrency(decimal('1.101'), 'USD')).toBe(false)
    expect(fitsCurrency(decimal('1.1'), 'JPY')).toBe(false)
  })

  test('no number is written with an exponent', () => {
    expect(plainText(decimal('0.00000000000001'))).toBe('0.00000000000001')
    expect(plainText(decimal('1e30'))).toBe('1000000000000000000000000000000')
    expect(plainText(decimal('-0'))).toBe('0')
    expect(priceText(decimal('1.1'), 5)).toBe('1.10000')
    expect(priceText(decimal('1.1234567'), 5)).toBe('1.1234567')
  })
})

describe('derived ids', () => {
  test('are version 5 UUIDs as RFC 9562 has them', () => {
    const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8'
    expect(uuidFrom(dns, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2')
  })

  test('of client orders are one per account and client order id', () => {
    const [one, other] = [
      uuidFrom('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'a'),
      uuidFrom('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'b'),
    ]
    expect(clientOrderUuid(one, 'x')).toBe(clientOrderUuid(one, 'x'))
    expect(new Set([clientOrderUuid(one, 'x'), clientOrderUuid(one, 'y'), clientOrderUuid(other, 'x')]).size).toBe(3)
  })
})
