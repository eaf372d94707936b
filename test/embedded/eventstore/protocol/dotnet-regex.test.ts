import { describe, expect, test } from 'vitest'
import { compileDotnetExpression } from '../../../../src/embedded/eventstore/protocol/dotnet-regex.ts'

describe('an expression of .NET', () => {
  test.each([
    [String.raw`\Aab-x\z`, 'ab-x'],
    [String.raw`^ab-x\Z`, 'ab-x\n'],
    ['^ab-x$', 'ab-x\n'],
    ['(?i)^AB-X$', 'ab-x'],
    ['^ab-(?i)X$', 'ab-x'],
    ['a|(?i)b|C', 'c'],
    ['^(?i:AB)-x$', 'ab-x'],
    ['^ab-x(?#a note)$', 'ab-x'],
    ['(?x) ^ ab - x $ # a note', 'ab-x'],
    ['(?n)^(ab)-x$', 'ab-x'],
    ['(?s)^ab.x$', 'ab\nx'],
    ['(?m)^x$', 'ab\nx\nc'],
    ['^(?>ab)-x$', 'ab-x'],
    ["^(?'n'a)b\\k<n>$", 'aba'],
    [String.raw`^(a)b\1$`, 'aba'],
    [String.raw`^\p{L}+-\d$`, 'żó-٣'],
    [String.raw`^\p{IsBasicLatin}+$`, 'ab-x'],
    ['^[a-z-[y]]+-x$', 'ab-x'],
    [String.raw`\Gab`, 'ab-x'],
    ['^ab[]x-]+$', 'ab-x]'],
    [String.raw`^[^\$].*`, 'ab-x'],
    [String.raw`^\x61\u0062\-x`, 'ab-x'],
    ['^a{$', 'a{'],
    [String.raw`\bx\b`, 'ab-x'],
  ])('%s matches %s', (source, text) => {
    expect(compileDotnetExpression(source).test(text)).toBe(true)
  })

  test.each([
    ['^[a-z-[y]]+$', 'xyz'],
    [String.raw`^[^\$].*`, '$x'],
    ['^(?>a+)ab', 'aaab'],
    ['(?i)a(?-i)B', 'ab'],
    [String.raw`x\z`, 'x\n'],
    ['(?x)a b', 'a b'],
  ])('%s does not match %s', (source, text) => {
    expect(compileDotnetExpression(source).test(text)).toBe(false)
  })

  test.each([
    '(',
    ')',
    '[',
    '*',
    'a**',
    'x++',
    '\\',
    String.raw`\q`,
    String.raw`\1`,
    String.raw`\u{2d}`,
    '[z-a]',
    'a{2,1}',
    '(?z)',
    '^(a)?(?(1)b|c)$',
    String.raw`\p{IsKatakana}`,
    String.raw`(?<n>a)(b)\1`,
  ])('%s is refused rather than misread', (source) => {
    expect(() => compileDotnetExpression(source)).toThrow(SyntaxError)
  })
})
