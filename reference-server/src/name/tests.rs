use super::derive;

/// `@` marks the call, and is removed from the source.
fn check(marked: &str, expect: Option<&str>) {
    let before = marked.split('@').next().unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let lines: Vec<String> = marked.replace('@', "").lines().map(str::to_owned).collect();
    let actual = derive(&lines, u32::try_from(line).unwrap(), u32::try_from(column).unwrap());
    assert_eq!(actual.as_deref(), expect, "{marked}");
}

#[test]
fn variable_gives_the_name() {
    check("let jobs = @Mutex::new(0);", Some("jobs"));
    check("    let mut jobs = @Mutex::new(0);", Some("jobs"));
    check("let jobs: Arc<Mutex<Vec<u8>>> = Arc::new(@Mutex::new(vec![]));", Some("jobs"));
    check("let jobs: Vec<u8>= @make();", Some("jobs"));
    check("let jobs: [u8; 4] = @make();", Some("jobs"));
    check("let jobs: &'static Mutex<()> = Box::leak(Box::new(@Mutex::new(())));", Some("jobs"));
    check(
        "let jobs = std::sync::Arc::new(tokio::sync::Mutex::new(0));".replace("tokio", "@tokio").as_str(),
        Some("jobs"),
    );
    check("let jobs = Some(@Mutex::new(0));", Some("jobs"));
    check("let jobs = Arc::new(@Mutex::new(0)).clone();", Some("jobs"));
    check("let jobs = &@Mutex::new(0);", Some("jobs"));
    check("let jobs =\n    @Mutex::new(0);", Some("jobs"));
    check(
        "let jobs = Arc::new(\n    // Why = this.\n    @Mutex::new(\n        State { a: 1 },\n    ),\n);",
        Some("jobs"),
    );
    check("work();\nlet r#type = @Mutex::new(0);", Some("type"));
    check("let naïve = \"ü\"; let größe = @Mutex::new(0);", Some("größe"));
    check("let text = \"let other = \"; let jobs = @Mutex::new(text);", Some("jobs"));
    check("let jobs = @open(1)?;", Some("jobs"));
    check("let jobs = @open(1).await.unwrap();", Some("jobs"));
    check("let requests = @mpsc::channel(1).1;", Some("requests"));
    check("let jobs = @my_mutex!(0);", Some("jobs"));
    check("if ready { go() }\nlet jobs = @Mutex::new(0);", Some("jobs"));
    check("jobs = @Mutex::new(0);", Some("jobs"));
    check("{ jobs = @Mutex::new(0); }", Some("jobs"));
    check("fn new() {\n    self.jobs = @Mutex::new(0);\n}", Some("jobs"));
    check("fn new() {\n    self.inner.jobs = Some(Arc::new(@Mutex::new(0)));\n}", Some("jobs"));
}

#[test]
fn static_or_field_gives_the_name() {
    check("static JOBS: Mutex<u8> = @Mutex::const_new(0);", Some("JOBS"));
    check("pub(crate) static JOBS: Mutex<u8> = @Mutex::const_new(0);", Some("JOBS"));
    check("#[allow(dead_code)]\npub static JOBS: Mutex<u8> =\n    @Mutex::const_new(0);", Some("JOBS"));
    check("const JOBS: Mutex<u8> = @Mutex::const_new(0);", Some("JOBS"));
    check("static JOBS: LazyLock<Mutex<u8>> = LazyLock::new(|| @Mutex::new(0));", Some("JOBS"));
    check("lazy_static! { static ref JOBS: Mutex<u8> = @Mutex::new(0); }", Some("JOBS"));
    check("Service { jobs: @Mutex::new(0) }", Some("jobs"));
    check("Service {\n    name,\n    jobs: Arc::new(@Mutex::new(0)),\n}", Some("jobs"));
    check("Service {\n    name: call(1, 2),\n    #[cfg(test)]\n    jobs: @Mutex::new(0),\n}", Some("jobs"));
    check("let service = Service { jobs: @Mutex::new(0) };", Some("jobs"));
}

#[test]
fn channel_is_named_after_its_ends() {
    check("let (orders_tx, orders_rx) = @mpsc::channel(1);", Some("orders"));
    check("let (orders_tx, mut orders_rx) = @mpsc::channel::<Order>(1);", Some("orders"));
    check("let (mut orders_sender, orders_receiver) = @mpsc::channel(1);", Some("orders"));
    check("let (orders_send, orders_recv): (Sender<u8>, Receiver<u8>) = @mpsc::channel(1);", Some("orders"));
    check("let (tx, rx) = @mpsc::channel(1);", Some("tx/rx"));
    check("let (tx, mut rx) =\n    @mpsc::channel(1);", Some("tx/rx"));
    check("let (sender, _receiver) = @mpsc::channel(1);", Some("sender/receiver"));
    check("let (s, r) = @mpsc::channel(1);", Some("s/r"));
    check("let (prototype_channel, mut prototypes) = @mpsc::channel(1);", Some("prototype_channel"));
    check("let (tx, mut prototypes) = @mpsc::channel(1);", Some("prototypes"));
    check("let (orders, rx) = @mpsc::channel(1);", Some("orders"));
    check("let (orders_tx, jobs_rx) = @mpsc::channel(1);", Some("orders_tx"));
    check("let (orders, _) = @mpsc::channel(1);", Some("orders"));
    check("let (_, orders) = @mpsc::channel(1);", Some("orders"));
    check("let (_, _) = @mpsc::channel(1);", None);
    check("let (_tx, _rx) = @mpsc::channel(1);", Some("tx/rx"));
    check("let (a, b) = (Mutex::new(0), @Mutex::new(call(1, 2)));", Some("b"));
    check("let (a, b) = (@Mutex::new(0), Mutex::new(1));", Some("a"));
    check("let (a, b) = (Arc::new(Mutex::new(0)), Arc::new(@Mutex::new(0)));", Some("b"));
}

#[test]
fn uncertain_source_gives_no_name() {
    check("@Mutex::new(0)", None);
    check("let jobs = Some(@job); run(2);", None);
    check("work(@Mutex::new(0));", None);
    check("let handle = spawn(work(@Mutex::new(0)));", None);
    check("let x = work(1, @Mutex::new(0));", None);
    check("let locks = vec![@Mutex::new(0), Mutex::new(1)];", None);
    check("let locks = [@Mutex::new(0), Mutex::new(1)];", None);
    check("let pair = (@Mutex::new(0), Mutex::new(1));", None);
    check("let locks: Vec<_> = (0..5).map(|_| @Mutex::new(0)).collect();", None);
    check("let make = || @Mutex::new(0);", None);
    check("let value = @Mutex::new(0).lock().await;", None);
    check("let free = @mpsc::channel::<u8>(1).0.capacity();", None);
    check("let (tx, rx) = builder.@channel(1);", None);
    check("let _ = @Mutex::new(0);", None);
    check("let Pair { tx, rx } = @channel(1);", None);
    check("let Pair(tx, rx) = @channel(1);", None);
    check("let (a, (b, c)) = @channel(1);", None);
    check("let (a, b, c) = @channel(1);", None);
    check("if let Some(x) = @make(0) {}", None);
    check("let same = a == @make(0);", None);
    check("let more = a >= @make(0);", None);
    check("x += @make(0);", None);
    check("slots[1] = @Mutex::new(0);", None);
    check("*slot = @Mutex::new(0);", None);
    check("match x { A => @Mutex::new(0), }", None);
    check("let x = if a { @Mutex::new(0) } else { b };", None);
    check("return @Mutex::new(0);", None);
    check("/* let a = */ @Mutex::new(0);", None);
    check("let a =\n\n\n\n\n\n\n\n@Mutex::new(0);", None);
    check("let (a,\n\n\n\n\n\nb) =\n@mpsc::channel(1);", None);
    check("a\n.\nb\n.\nc\n.\nd\n. e = @Mutex::new(0);", None);
    assert_eq!(derive(&[], 1, 1), None);
    let lines = ["let a = b();".to_owned()];
    for (line, column) in [(0, 1), (1, 0), (2, 1), (1, 13), (1, 14), (u32::MAX, u32::MAX)] {
        assert_eq!(derive(&lines, line, column), None, "{line}:{column}");
    }
}
