// The tracker: <script async src="https://host/hs.js?id=G-XXXXXXXXXX"></script>. What it sends and keeps: docs/manual/tracker.md.
// ES2017, no dependencies. Whole-line comments are stripped when it is served.
(function () {
  'use strict';

  const script = document.currentScript || document.querySelector('script[src*="hs.js?"]');
  const source = new URL(script ? script.src : location.href);
  const id = source.searchParams.get('id');
  const loaded = window.hitstream && window.hitstream.ids || {};
  if (!script || !id || loaded[id]) return;

  const option = name => script.getAttribute('data-' + name);
  const endpoint = new URL('g/collect', source).href;
  const layerName = source.searchParams.get('l') || 'dataLayer';
  const manual = option('page-views') === 'manual';
  const idle = (Number(option('session-timeout')) || 30) * 60e3;
  const keyEvents = (option('key-events') || '').split(',');

  const ENGAGED_MS = 10e3;
  const REPORTED_MS = 1e3;
  const COOKIE_S = 2 * 365 * 86400;
  const LONGEST_TEXT = 4096;
  const LONGEST_URL = 6000;
  const KEPT_HITS = 100;
  const KEPT_MS = 71 * 3600e3;  // the server tells re-sends apart for 72 hours; clocks differ
  const KNOWN = {
    page_location: 'dl', page_title: 'dt', page_referrer: 'dr', language: 'ul', screen_resolution: 'sr', user_id: 'uid',
    currency: 'cu', campaign_source: 'cs', campaign_medium: 'cm', campaign_name: 'cn', campaign_term: 'ck',
    campaign_content: 'cc', campaign_id: 'ci', traffic_type: 'tt', ignore_referrer: 'ir'
  };
  const ITEM = {
    item_id: 'id', item_name: 'nm', item_brand: 'br', item_category: 'ca', item_category2: 'c2', item_category3: 'c3',
    item_category4: 'c4', item_category5: 'c5', item_variant: 'va', price: 'pr', quantity: 'qt', coupon: 'cp',
    item_list_name: 'ln', item_list_id: 'li', index: 'lp', discount: 'ds', affiliation: 'af', promotion_id: 'pi',
    promotion_name: 'pn', creative_name: 'cn', creative_slot: 'cs', location_id: 'lo'
  };
  const NOT_SENT = /^(send_to|send_page_view|event_callback|event_timeout|items|user_properties|page_path|groups|cookie_.*)$/;
  const OF_ONE_PAGE = ['page_location', 'page_path', 'page_title', 'page_referrer'];

  // An error in here is ours: the page must not see it.
  const guarded = work => function () {
    try { return work.apply(this, arguments); } catch (error) { return undefined; }
  };
  const on = (target, names, work) => names.split(' ').forEach(name => target.addEventListener(name, guarded(work)));
  const random = () => crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
  const seconds = () => Math.floor(Date.now() / 1000);

  const settings = {};
  const userProperties = {};
  const load = random();
  let denied = option('cookieless') !== null;
  let ready = false;
  let started = false;
  let sequence = 0;
  let sid = '';
  let views = 0;
  let keyed = false;
  let hints = {};

  const silenced = () => window['ga-disable-' + id] === true || option('respect-dnt') !== null &&
    (navigator.globalPrivacyControl === true || navigator.doNotTrack === '1');

  // Cookies, in Google's layout, so that a site that leaves Google Analytics keeps its visitors.
  const sessionCookie = '_ga_' + id.replace(/^G-/, '');
  let domain;

  const cookies = name => document.cookie.split('; ').filter(pair => pair.startsWith(name + '='))
    .map(pair => pair.slice(name.length + 1));

  function writeCookie(name, value, life, where) {
    document.cookie = name + '=' + value + '; path=/; max-age=' + life + '; samesite=lax' +
      (where ? '; domain=' + where : '') + (location.protocol === 'https:' ? '; secure' : '');
  }

  // The widest domain that the browser accepts; '' is this host alone, null no cookies at all.
  function findDomain() {
    const labels = /^[\d.]+$|:/.test(location.hostname) ? [] : location.hostname.split('.');
    const wide = labels.map((_, index) => labels.slice(index).join('.')).slice(0, -1).reverse();
    const probe = '_hs_' + random();
    const accepted = wide.concat('').find(where => {
      writeCookie(probe, '1', 60, where);
      const kept = cookies(probe).length > 0;
      if (kept) writeCookie(probe, '', 0, where);
      return kept;
    });
    return accepted === undefined ? null : accepted;
  }

  const cookieless = () => {
    if (denied) return true;
    if (domain === undefined) domain = findDomain();
    return domain === null;
  };
  const depth = () => domain ? domain.split('.').length : 1;

  function clientId() {
    const found = cookies('_ga').map(value => /^GA1\.[\d-]+\.(.+)$/.exec(value)).find(Boolean);
    const fresh = !found;
    const value = fresh ? random() + '.' + seconds() : found[1];
    writeCookie('_ga', 'GA1.' + depth() + '.' + value, COOKIE_S, domain);
    return { value, fresh };
  }

  // {s: id, o: number, g: engaged, t: last hit} of either layout; letters that we do not know are kept.
  function readSession(value) {
    const parts = value.split('.');
    if (parts[0] === 'GS1') return { s: parts[2], o: +parts[3], g: +parts[4], t: +parts[5] };
    const fields = {};
    if (parts[0] === 'GS2') parts.slice(2).join('.').split('$').forEach(field => { fields[field[0]] = field.slice(1); });
    return Object.assign(fields, { o: +fields.o, g: +fields.g || 0, t: +fields.t });
  }

  // Of several cookies of the name (of different domains) the last used one counts.
  const currentSession = () => cookies(sessionCookie).map(readSession).filter(session => session.s && session.t)
    .sort((one, other) => other.t - one.t)[0];

  // Engagement belongs to the session in which the page came to the foreground, however long it was read.
  function touchSession(name) {
    const old = currentSession();
    const moment = name === 'user_engagement' ? shown : Date.now();
    const fresh = !old || moment - old.t * 1000 > idle;
    const begun = { s: '' + seconds(), o: (old && old.o || 0) + 1, g: 0 };
    const session = fresh ? Object.assign({ j: '60', l: '0', h: '0' }, old, begun) : old;
    if (session.s !== sid) {
      sid = session.s;
      views = fresh ? 0 : 1;
      total = unreported;
      keyed = false;
    }
    if (name === 'page_view') views += 1;
    if (keyEvents.includes(name)) keyed = true;
    if (total > ENGAGED_MS || keyed || views > 1) session.g = 1;
    session.t = seconds();
    const text = Object.keys(session).map(letter => letter + session[letter]).join('$');
    writeCookie(sessionCookie, 'GS2.' + depth() + '.' + text, COOKIE_S, domain);
    return { session, fresh, first: !old };
  }

  // Engagement: time in which the page is visible and has the focus. `shown` is when it came to the foreground.
  let since = 0;
  let shown = 0;
  let unreported = 0;
  let total = 0;

  function settle() {
    const now = performance.now();
    const front = started && document.visibilityState === 'visible' && document.hasFocus();
    if (since) { unreported += now - since; total += now - since; }
    if (front && !since) shown = Date.now();
    since = front ? now : 0;
  }

  function leave() {
    settle();
    if (started && unreported >= REPORTED_MS) track('user_engagement', {}, true);
  }

  // Pages. A fragment is part of the address only where it is used for routing; one with campaign tags is sent, too.
  const ROUTE = /^#[!/]/;
  const TAGS = /[#?&](utm_\w+|_gl|[gw]braid|[a-z_]+cl?k?id|li_fat_id|epik|igsh)=/i;
  const address = () => location.href.split('#')[0] + (ROUTE.test(location.hash) ? location.hash : '');
  const tags = () => !ROUTE.test(location.hash) && TAGS.test(location.hash) ? location.hash : '';
  const page = url => url.replace(/\?[^#]*/g, '');
  let here = address();
  let tagged = tags();
  let referrer = document.referrer;
  let title = '';

  const given = params => params.page_location || params.page_path && new URL(params.page_path, location.href).href;

  function pageView(params) {
    title = document.title;
    track('page_view', params);
  }

  // The time until now belongs to the page that was left.
  function navigated(force) {
    if (!started || !force && address() === here) return;
    settle();
    if (unreported >= REPORTED_MS) track('user_engagement', { page_title: title });
    if (address() !== here) referrer = here;
    here = address();
    tagged = tags();
    OF_ONE_PAGE.forEach(name => { delete settings[name]; });
    if (automatic()) pageView({});
  }

  const automatic = () => !manual && settings.send_page_view !== false;

  // Hits.
  const hitId = () => btoa(String.fromCharCode.apply(null, crypto.getRandomValues(new Uint8Array(16))))
    .replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');

  // Through URLSearchParams, since it accepts any text, also half a surrogate pair.
  function encoded(fields) {
    const search = new URLSearchParams();
    Object.keys(fields).filter(name => fields[name] || fields[name] === 0)
      .forEach(name => search.set(name, String(fields[name]).slice(0, LONGEST_TEXT)));
    return search.toString().replace(/\+/g, '%20');
  }

  const text = value => typeof value === 'object' && guarded(JSON.stringify)(value) || String(value);
  const sendable = (params, name) => params[name] !== null && !/^(undefined|function)$/.test(typeof params[name]);

  function item(fields) {
    const own = Object.keys(fields).filter(name => !ITEM[name] && sendable(fields, name));
    return Object.keys(fields).filter(name => ITEM[name] && sendable(fields, name)).map(name => ITEM[name] + fields[name])
      .concat(...own.map((name, index) => ['k' + index + name, 'v' + index + text(fields[name])])).join('~');
  }

  function parameters(params) {
    const fields = {};
    Object.keys(params).filter(name => sendable(params, name) && !NOT_SENT.test(name)).forEach(name => {
      const value = params[name];
      if (KNOWN[name]) fields[KNOWN[name]] = value === true ? 1 : value;
      else fields[(typeof value === 'number' ? 'epn.' : 'ep.') + name] = text(value);
    });
    (params.items || []).slice(0, 200).forEach((one, index) => { fields['pr' + (index + 1)] = item(one); });
    const properties = Object.assign({}, userProperties, params.user_properties);
    Object.keys(properties).filter(name => sendable(properties, name)).forEach(name => {
      const value = properties[name];
      fields[(typeof value === 'number' ? 'upn.' : 'up.') + name] = text(value);
    });
    return fields;
  }

  function track(name, own, leaving) {
    if (silenced()) return;
    settle();
    const params = Object.assign({}, settings, own);
    const common = { v: 2, tid: id, _p: load };
    const event = {
      en: name, _s: sequence + 1, dl: given(params) || here + tagged, dr: referrer, dt: document.title,
      ul: (navigator.language || '').toLowerCase(), sr: screen.width + 'x' + screen.height,
      vp: innerWidth + 'x' + innerHeight
    };
    const durable = !cookieless();
    if (durable) {
      const client = clientId();
      const state = touchSession(name);
      Object.assign(common, { cid: client.value, sid: state.session.s, sct: state.session.o, seg: state.session.g }, hints);
      if (state.fresh) Object.assign(event, { _ss: 1, _fv: state.first ? 1 : '', _nsi: client.fresh ? 1 : '' });
    }
    const created = Date.now();
    const ours = { _c: keyEvents.includes(name) ? 1 : '', _et: Math.round(unreported) || '', _hid: hitId(), _hts: created };
    unreported = 0;
    sequence += 1;
    const key = durable && storePrefix + created + '_' + ours._hid;
    deliver({ key, tries: 0, common: encoded(common), event: encoded(Object.assign(event, parameters(params), ours)) }, leaving);
  }

  // Delivery. A hit that was refused or lost on the way is kept and sent again with the same id; the server counts it once.
  const storePrefix = '_hs_' + id + '_';
  const careful = 'keepalive' in Request.prototype;
  let timer = 0;
  let resending = false;

  function deliver(hit, leaving) {
    const url = hit.common.length + hit.event.length < LONGEST_URL ? [hit.common + '&' + hit.event] : [hit.common, hit.event];
    url[0] = endpoint + '?' + url[0];
    if (leaving && navigator.onLine === false) return keep(hit);
    if (leaving || !careful) return navigator.sendBeacon.apply(navigator, url) || keep(hit);
    return post(url, true).then(done => done || keep(hit));
  }

  // True when there is nothing left to do for the hit: it was accepted, or would be refused for ever.
  const post = (url, keepalive) => fetch(url[0], { method: 'POST', body: url[1], keepalive, credentials: 'omit' })
    .then(answer => answer.status < 500 && answer.status !== 429, () => false);

  const keep = guarded(hit => {
    if (!hit.key) return;
    const wait = Math.min(2 ** hit.tries * 5e3, 600e3) * (0.75 + Math.random() / 2);
    store(hit, wait, hit.tries + 1);
    kept();
    later(wait);
  });

  const store = (hit, wait, tries) => localStorage.setItem(hit.key, JSON.stringify(
    { key: hit.key, tries, due: Date.now() + wait, common: hit.common, event: hit.event }));

  // The keys hold the hits' creation times: oldest first, without those that are too old or too many.
  function kept() {
    const keys = Object.keys(localStorage).filter(key => key.startsWith(storePrefix)).sort();
    const young = keys.filter(key => Date.now() - Number(key.slice(storePrefix.length).split('_')[0]) < KEPT_MS).slice(-KEPT_HITS);
    keys.filter(key => !young.includes(key)).forEach(key => localStorage.removeItem(key));
    return young.map(guarded(key => JSON.parse(localStorage.getItem(key)))).filter(hit => hit && hit.due > 0);
  }

  function later(wait) {
    clearTimeout(timer);
    timer = setTimeout(() => resend().catch(() => undefined), wait);
  }

  // One after the other, until one fails. A hit that is on its way is not due for a minute, so that no other tab sends it too.
  async function resend(now) {
    if (resending || silenced() || cookieless()) return;
    resending = true;
    try {
      for (const hit of kept().filter(one => now || one.due <= Date.now())) {
        store(hit, 60e3, hit.tries);
        if (!await post([endpoint + '?' + hit.common, hit.event], false)) return void keep(hit);
        localStorage.removeItem(hit.key);
      }
      const next = kept().map(hit => hit.due - Date.now());
      if (next.length) later(Math.max(1e3, Math.min.apply(null, next)));
    } finally {
      resending = false;
    }
  }

  // Commands: hitstream('event', name, parameters) and what gtag() leaves in the data layer.
  const forUs = target => !target || [].concat(target).some(one => one === id || one === 'default');

  const commands = {
    event(name, params) {
      params = params || {};
      if (!forUs(params.send_to)) return;
      navigated();
      if (name === 'page_view') pageView(params);
      else track(name, params);
      if (typeof params.event_callback === 'function') setTimeout(params.event_callback, 0, id);
    },
    config(target, params) {
      if (target === id) Object.assign(settings, params);
    },
    set(name, value) {
      if (name === 'user_properties') Object.assign(userProperties, value);
      else Object.assign(settings, typeof name === 'string' ? { [name]: value } : name);
    },
    consent(kind, states) {
      if (states.analytics_storage) denied = option('cookieless') !== null || states.analytics_storage === 'denied';
    },
    get(target, field, callback) {
      if (target !== id || cookieless() || silenced()) return;
      const session = currentSession() || {};
      callback({ client_id: clientId().value, session_id: session.s, session_number: session.o }[field]);
    }
  };

  const isCommand = entry => entry && typeof entry[0] === 'string' && commands.hasOwnProperty(entry[0]);
  const run = guarded(entry => { if (isCommand(entry)) commands[entry[0]](...Array.from(entry).slice(1)); });

  function follow(queue) {
    const push = queue.push;
    queue.push = function () {
      const result = push.apply(queue, arguments);
      Array.from(arguments).forEach(run);
      return result;
    };
  }

  const api = window.hitstream = window.hitstream || function () { api.q.push(arguments); };
  api.q = api.q || [];
  api.ids = Object.assign(loaded, { [id]: true });
  window[layerName] = window[layerName] || [];

  // What is queued already: settings first, then the page view, then events. Tags that the page has removed from its
  // address by now still belong to the view.
  function begin() {
    started = true;
    if (page(address()) !== page(here)) here = address();
    const early = window[layerName].concat(api.q).filter(isCommand);
    const waits = entry => /^(event|get)$/.test(entry[0]);
    early.filter(entry => !waits(entry)).forEach(run);
    if (automatic()) guarded(pageView)({});
    here = address();
    settle();
    early.filter(waits).forEach(run);
    [window[layerName], api.q].forEach(follow);
    later(2e3 + Math.random() * 1e3);
  }

  // A page that nobody has seen yet (prerendered, or opened in a tab behind) is not a page view.
  const start = leaving => {
    if (started || document.visibilityState !== 'visible') return;
    if (leaving || ready && document.readyState !== 'loading') begin();
  };

  ['pushState', 'replaceState'].forEach(name => {
    const original = history[name];
    history[name] = function () {
      const before = address();
      const result = original.apply(this, arguments);
      // A page that tidies its query is still the same page.
      const tidied = name === 'replaceState' && before === here && page(before) === page(address());
      if (started && tidied && option('query-views') === null) here = address();
      setTimeout(guarded(() => navigated()), 0);
      return result;
    };
  });
  on(window, 'popstate', () => setTimeout(guarded(() => navigated()), 0));
  on(window, 'pageshow', event => { if (event.persisted) navigated(true); });
  on(window, 'focus blur', settle);
  on(window, 'online', () => resend(true).catch(() => undefined));
  on(window, 'pagehide', () => { start(true); leave(); });
  on(document, 'visibilitychange', () => {
    if (document.visibilityState === 'hidden') return leave();
    start();
    return settle();
  });
  on(document, 'DOMContentLoaded prerenderingchange', () => start());

  const names = ['architecture', 'bitness', 'fullVersionList', 'mobile', 'model', 'platform', 'platformVersion', 'wow64'];
  const agent = navigator.userAgentData;
  const learn = found => {
    const versions = (found.fullVersionList || []).map(one => encodeURIComponent(one.brand) + ';' + one.version).join('|');
    hints = {
      uaa: found.architecture, uab: found.bitness, uafvl: versions, uamb: found.mobile ? 1 : 0, uam: found.model,
      uap: found.platform, uapv: found.platformVersion, uaw: found.wow64 ? 1 : 0
    };
  };
  const asked = agent && !denied ? agent.getHighEntropyValues(names).then(guarded(learn), () => undefined) : Promise.resolve();
  const late = new Promise(resolve => setTimeout(resolve, 500));
  Promise.race([asked, late]).then(guarded(() => { ready = true; start(); }));
})();
