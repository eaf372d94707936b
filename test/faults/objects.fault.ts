/** F18: the disk of the object store is full. Nothing is stored in part, nobody is told of success, and it passes by itself. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { sha256 } from '../adapters/object-store/store-contract.ts'
import { type ObjectServer, startObjectServer } from '../http/firsthand/objects/object-server.ts'
import { temporaryDirectory } from '../support/services.ts'
import { limitFiles, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'

const DISK_BYTES = 4 * 1_048_576
const contentType = 'image/png'
const bytes = randomBytes(1_048_576)

let server: ObjectServer
let disk: Pick<SmallDisk, 'fill' | 'free'>
let unmount = (): void => undefined
const root = temporaryDirectory()

beforeAll(async () => {
  const mounted = mountSmallDisk(join(root.path, 'disk'), DISK_BYTES)
  if (mounted) unmount = mounted.unmount
  // Where nothing can be mounted, this process may write no larger files.
  disk = mounted ?? { fill: () => limitFiles(process.pid, 4_096), free: () => limitFiles(process.pid, undefined) }
  server = await startObjectServer({}, join(root.path, 'disk', 'objects'))
})
afterAll(async () => {
  disk.free()
  await server.stop()
  unmount()
  root.remove()
})

it('F18: a full disk is 503 to uploads and writes, leaves no half object, and passes', async () => {
  const expiresAt = new Date(server.clock().getTime() + 60_000)
  const newKey = (kind: string) => `${kind}/live/org_1/${randomUUID()}`
  const upload = { key: newKey('uploads'), contentType, sizeBytes: bytes.length, expiresAt }
  const { url, headers } = server.objects.putLink(upload)
  const put = () => fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes })
  const before = newKey('files')
  await server.objects.write(before, bytes, { contentType, sha256: sha256(bytes) })

  disk.fill()
  const refused = await put()
  expect([refused.status, refused.headers.get('retry-after')]).toStrictEqual([503, '1'])
  expect(await refused.json()).toMatchObject({ error: { type: 'internal_error' } })
  const away = { name: 'ObjectStoreUnavailable' }
  const file = newKey('files')
  await expect(server.objects.write(file, bytes, { contentType, sha256: sha256(bytes) })).rejects.toMatchObject(away)
  // What is submitted gets another name beside its own, for which there is room.
  expect(await server.objects.copy(before, newKey('originals'))).toMatchObject({ sha256: sha256(bytes) })
  for (const key of [upload.key, file]) expect(await server.objects.head(key)).toBeUndefined()
  expect(await readdir(join(server.directory, '.unfinished'))).toStrictEqual([])
  const download = await fetch(server.objects.getLink({ key: before, contentType, filename: 'x', expiresAt }))
  expect(sha256(Buffer.from(await download.arrayBuffer()))).toBe(sha256(bytes))

  disk.free()
  expect((await put()).status).toBe(200)
  expect(await server.objects.head(upload.key)).toStrictEqual({ sizeBytes: bytes.length })
})
