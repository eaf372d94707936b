/** compose.yaml starts every role from one image, on services that are up and keep their data. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { sealKeyFile } from '../src/audit/seal-key.ts'
import { loadConfig, ROLES, requirePublicUrl } from '../src/config.ts'
import { FILE_ROLES } from '../src/processes/firsthand/objects.ts'
import { root } from './support/source.ts'

interface Service {
  image: string
  build?: string
  environment: Record<string, string>
  volumes?: string[]
  healthcheck?: { test: string[] }
  depends_on?: Record<string, { condition: string }>
}

const text = readFileSync(join(root, 'compose.yaml'), 'utf8')
/** With no variable set, as docker compose reads it: the innermost default first. */
const byDefault = (value: string): string => {
  const inner = value.replace(/\$\{\w+:-([^${}]*)\}/, '$1')
  return inner === value ? value : byDefault(inner)
}
const { services, volumes }: { services: Record<string, Service>; volumes: object } = parse(text, { merge: true })
const service = (name: string): Service => services[name] as Service
/** The settings of a role's container. */
const settingsOf = (role: string) => {
  const given = Object.entries(service(role).environment).map(([name, value]) => [name, byDefault(value)])
  return loadConfig({ ...Object.fromEntries(given), SECRETS_KEY: undefined, HOST: '0.0.0.0', DATA_DIR: '/data' })
}
const STORES = ['eventstore', 'postgres', 'nats']

describe('compose.yaml', () => {
  it.each(ROLES)('starts the role %s from the one image, once the services are healthy', (role) => {
    const { image, depends_on: awaited } = service(role)
    expect(image).toBe('opslog')
    const config = settingsOf(role)
    expect(config.ROLES).toEqual([role])
    expect(() => requirePublicUrl(config)).not.toThrow()
    expect(awaited).toEqual(Object.fromEntries(STORES.map((name) => [name, { condition: 'service_healthy' }])))
  })

  it('builds the image once', () => {
    expect(Object.keys(services).filter((name) => service(name).build !== undefined)).toEqual(['api'])
  })

  it.each(STORES)('%s has a check of its health, and a pinned image', (name) => {
    expect(service(name).healthcheck?.test[0]).toMatch(/^CMD/)
    expect(service(name).image).toMatch(/:\d+[^:]*$/)
  })

  it('keeps the log of EventStoreDB and of KurrentDB, and the cluster of PostgreSQL 18', () => {
    expect(service('eventstore').volumes).toEqual([
      'eventstore-data:/var/lib/eventstore',
      'eventstore-data:/var/lib/kurrentdb',
    ])
    expect(service('postgres')).toMatchObject({ image: 'postgres:18', volumes: ['postgres-data:/var/lib/postgresql'] })
  })

  it('has feeds that were imported through the API’s container where the engine reads them', () => {
    for (const role of ['api', 'engine']) expect(service(role).volumes).toContain('feeds:/data/feeds')
  })

  it('has the files of workers where they are stored, scored and removed', () => {
    for (const role of FILE_ROLES) expect(service(role).volumes).toContain('objects:/data/objects')
  })

  it('keeps the key of the seals, one for all projectors', () => {
    expect(service('projector').volumes).toContain('seals:/data/seals')
    expect(sealKeyFile(settingsOf('projector'))).toBe('/data/seals/audit-seal-key.pem')
  })

  it('has what the roles keep in volumes whose places are the image’s own user’s', () => {
    const image = readFileSync(join(root, 'Dockerfile'), 'utf8')
    const [, made = ''] = /install --directory --owner=node --group=node --mode=0700 (.*)$/m.exec(image) ?? []
    const places = ROLES.flatMap((role) => service(role).volumes ?? []).map((mount) => mount.split(':')[1])
    expect(made.split(' ')).toEqual(expect.arrayContaining(places))
  })

  it('declares every volume that is used', () => {
    const used = Object.values(services).flatMap((each) => each.volumes ?? [])
    expect(new Set(used.map((mount) => mount.split(':')[0]))).toEqual(new Set(Object.keys(volumes)))
  })
})
