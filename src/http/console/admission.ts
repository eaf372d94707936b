/** Which of the declared pages, actions and finders are for whom. What is not for somebody is as if it were not there. */
import type { Audience, ContextConsole, DeclaredConsole, Group, PageDeclaration, Viewer } from '../pages/declaration.ts'
import { groups } from '../pages/declaration.ts'
import type { NavigationGroup } from './page.ts'

interface Admitting {
  audience: readonly Audience[]
  scopes?: readonly string[]
}

type Of = { api: { name: string }; console: Pick<ContextConsole, 'isForAll'> }

/** Whether what a context declares for these is for this viewer, whatever its key may do. */
export const isFor = (
  { api, console: pages }: Of,
  { audience }: Pick<Admitting, 'audience'>,
  viewer: Viewer,
): boolean =>
  audience.includes(viewer.audience) &&
  (viewer.context === undefined || pages.isForAll === true || viewer.context === api.name)

/** Scopes that the viewer's key lacks. */
export const missingScopes = ({ scopes = [] }: Pick<Admitting, 'scopes'>, { principal }: Viewer): readonly string[] =>
  principal ? scopes.filter((scope) => !principal.scopes.includes(scope)) : []

export const maySee = (of: Of, declared: Admitting, viewer: Viewer): boolean =>
  isFor(of, declared, viewer) && missingScopes(declared, viewer).length === 0

const titles: Readonly<Record<Group, string>> = {
  overview: 'Overview',
  operate: 'Operate',
  audit: 'Audit',
  run: 'Run',
  administer: 'Administer',
}

const isListed = ({ path, isListed: said }: PageDeclaration): boolean => said ?? !path.includes('/:')

/** Every page that the navigation leads this viewer to. */
export function navigationFor(declared: readonly DeclaredConsole[], viewer: Viewer, path: string): NavigationGroup[] {
  const made = groups.map((group): NavigationGroup => {
    const parts = declared.map((of) => {
      const pages = of.console.pages.filter(
        (page) => page.group === group && isListed(page as PageDeclaration) && maySee(of, page, viewer),
      )
      const links = pages.map((page) => ({
        title: page.title,
        href: `/console${page.path}`,
        key: page.key,
        isCurrent: path === page.path || (page.path !== '' && path.startsWith(`${page.path}/`)),
      }))
      return { title: of.console.isForAll ? '' : of.console.title, links }
    })
    return { title: titles[group], parts: parts.filter(({ links }) => links.length > 0) }
  })
  return made.filter(({ parts }) => parts.length > 0)
}
