import TestSupport

extension Browser {
    /// What is wrong with the page for people who use it with a screen reader, a keyboard, a phone or weak eyes: a
    /// sentence each.
    ///
    /// It checks what can be computed of WCAG 2.2 AA: contrast (1.4.3), labels (1.3.1, 4.1.2), headings, language, titles,
    /// reflow (1.4.10), the size of targets (2.5.8). The rest is for people.
    func complaints() async throws -> [String] {
        let structure = try await script(Self.structureScript).items ?? []
        let contrast = try await script(Self.contrastScript).items ?? []
        return (structure + contrast).compactMap(\.text)
    }

    private static let structureScript = #"""
        const wrong = [];
        const all = selector => [...document.querySelectorAll(selector)];
        const about = e => e.outerHTML.replace(/\s+/g, ' ').slice(0, 120);
        const shown = e => e.checkVisibility({visibilityProperty: true});
        if (!document.documentElement.lang) wrong.push('no lang');
        if (!document.title.trim()) wrong.push('no title');
        if (all('h1').length !== 1) wrong.push(all('h1').length + ' h1');
        if (all('main').length !== 1) wrong.push(all('main').length + ' main');
        let level = 1;
        for (const heading of all('h1,h2,h3,h4,h5,h6')) {
          const next = Number(heading.tagName[1]);
          if (next > level + 1) wrong.push('heading skips a level: ' + about(heading));
          level = next;
        }
        const ids = new Set();
        for (const e of all('[id]')) {
          if (ids.has(e.id)) wrong.push('id twice: ' + e.id);
          ids.add(e.id);
        }
        for (const e of all('[aria-labelledby],[aria-describedby],[for]')) {
          const names = [e.getAttribute('aria-labelledby'), e.getAttribute('aria-describedby'), e.getAttribute('for')];
          for (const id of names.filter(Boolean).join(' ').split(/\s+/).filter(Boolean)) {
            if (!ids.has(id)) wrong.push('refers to no element, ' + id + ': ' + about(e));
          }
        }
        for (const e of all('input:not([type=hidden]):not([type=submit]),select,textarea')) {
          if (!e.labels.length && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
            wrong.push('no label: ' + about(e));
        }
        for (const e of all('button,a[href],summary')) {
          if (!e.textContent.trim() && !e.getAttribute('aria-label')) wrong.push('no name: ' + about(e));
        }
        for (const e of all('table')) if (!e.caption) wrong.push('table without caption: ' + about(e));
        for (const e of all('th')) if (!e.scope) wrong.push('th without scope: ' + about(e));
        for (const e of all('svg[role=img]')) if (!e.querySelector('title')) wrong.push('svg without title: ' + about(e));
        for (const e of all('*')) {
          for (const attribute of e.attributes)
            if (attribute.name === 'style' || attribute.name.startsWith('on')) wrong.push('inline code: ' + about(e));
        }
        for (const e of all('button,input:not([type=hidden]),select,textarea,summary,nav a,a.button').filter(shown)) {
          let box = e.getBoundingClientRect();
          // A field's label is part of its target.
          for (const label of e.labels || []) {
            const other = label.getBoundingClientRect();
            if (['radio', 'checkbox'].includes(e.type)) box = {
              width: Math.max(box.width, other.width), height: Math.max(box.height, other.height)};
          }
          // Half a pixel is rounding.
          if (box.width && (box.width < 23.5 || box.height < 23.5) && !e.closest('.visually-hidden,.skip'))
            wrong.push('target of ' + Math.round(box.width) + 'x' + Math.round(box.height) + ': ' + about(e));
        }
        // A phone zooms out until all fits, and `innerWidth` with it; the width of the layout stays that of the phone.
        const root = document.documentElement, width = root.clientWidth;
        if (root.scrollWidth > width) {
          const widest = all('body *').filter(e => e.getBoundingClientRect().right > width + 1).slice(0, 3);
          wrong.push('scrolls sideways, ' + root.scrollWidth + ' in ' + width + ': ' + widest.map(about).join(' | '));
        }
        return wrong;
        """#

    /// WCAG 2.2, "contrast ratio" and "relative luminance", for every piece of text that is shown.
    private static let contrastScript = #"""
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 1;
        const context = canvas.getContext('2d', {willReadFrequently: true});
        const cache = new Map();
        const rgba = colour => {
          if (!cache.has(colour)) {
            context.clearRect(0, 0, 1, 1);
            context.fillStyle = colour;
            context.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
            cache.set(colour, [r, g, b, a / 255]);
          }
          return cache.get(colour);
        };
        const over = (top, bottom) => {
          const mixed = [0, 1, 2].map(i => top[i] * top[3] + bottom[i] * (1 - top[3]));
          return [...mixed, 1];
        };
        const luminance = colour => {
          const [r, g, b] = colour.slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const canvasColour = rgba(getComputedStyle(document.documentElement).colorScheme.includes('dark')
          && matchMedia('(prefers-color-scheme: dark)').matches ? '#121212' : '#ffffff');
        const background = element => {
          const layers = [];
          for (let e = element; e; e = e.parentElement) {
            const colour = rgba(getComputedStyle(e).backgroundColor);
            if (colour[3] > 0) layers.push(colour);
            if (colour[3] === 1) break;
          }
          return layers.reverse().reduce((below, layer) => over(layer, below), canvasColour);
        };
        const wrong = [], seen = new Set();
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
          const e = walker.currentNode.parentElement;
          if (!walker.currentNode.data.trim() || seen.has(e)) continue;
          seen.add(e);
          if (e.closest('script,style,noscript,title,desc,[disabled]') || !e.checkVisibility({visibilityProperty: true}))
            continue;
          const style = getComputedStyle(e);
          const behind = background(e);
          const front = over(rgba(e.closest('svg') ? style.fill : style.color), behind);
          const [a, b] = [luminance(front), luminance(behind)];
          const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
          const size = parseFloat(style.fontSize);
          const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
          if (ratio < (isLarge ? 3 : 4.5))
            wrong.push('contrast of ' + ratio.toFixed(2) + ': ' + e.outerHTML.replace(/\s+/g, ' ').slice(0, 120));
        }
        return wrong;
        """#
}
