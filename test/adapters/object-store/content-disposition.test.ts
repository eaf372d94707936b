/** Names of files in headers: any text comes in, and what goes out is one safe name. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attachment, safeFilename } from '../../../src/adapters/object-store/content-disposition.ts'

describe('a file’s name', () => {
  it.each([
    ['../../etc/passwd', 'etcpasswd'],
    ['..\\..\\boot.ini', 'boot.ini'],
    ['a\0.png', 'a.png'],
    ['a\r\nSet-Cookie: x=1.png', 'aSet-Cookie x=1.png'],
    ['CON', '_CON'],
    ['con.png', '_con.png'],
    ['photo\u202egnp.exe', 'photognp.exe'],
    ['  door.jpg ', 'door.jpg'],
    ['.htaccess', 'htaccess'],
    ['', 'file'],
    ['...', 'file'],
    ['Türen "weiß".jpg', 'Türen weiß.jpg'],
    ['x'.repeat(10_000), 'x'.repeat(255)],
  ])('%j is %j', (name, safe) => {
    expect(safeFilename(name)).toBe(safe)
  })

  it('goes out for browsers of today and for old ones', () => {
    expect(attachment('Tür 1.jpg')).toBe(`attachment; filename="T_r 1.jpg"; filename*=UTF-8''T%C3%BCr%201.jpg`)
  })

  it('never breaks a header, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const header = attachment(name)
        expect(header).toMatch(/^attachment; filename="[\x20!#-[\]-~]+"; filename\*=UTF-8''[\w%!#$&+.^`|~-]+$/)
        const sent = decodeURIComponent(header.slice(header.indexOf("''") + 2))
        expect(sent).toBe(safeFilename(name))
        expect([...sent].length).toBeLessThanOrEqual(255)
      }),
      { numRuns: 50 },
    )
  })
})
